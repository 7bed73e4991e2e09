-- Whether one pull of a target reached from or before a day to or past another, and was made after a moment.
SELECT EXISTS (
    SELECT FROM load
    WHERE client_id = :client_id AND source = :source AND ref = :ref
        AND first_day <= :first_day AND last_day >= :last_day
        AND observed_at >= :after AND recorded_at <= :as_of
)
