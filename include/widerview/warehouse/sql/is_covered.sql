-- Whether every day of a range has been asked for by a pull of the target that was made after the day's own end. Sources
-- ask for the last few days again and again, so a week is covered by several pulls.
SELECT NOT EXISTS (
    SELECT FROM generate_series(CAST(:first_day AS timestamp), CAST(:last_day AS timestamp), interval '1 day') AS each (day)
    WHERE NOT EXISTS (
        SELECT FROM load
        WHERE client_id = :client_id AND source = :source AND ref = :ref AND recorded_at <= :as_of
            AND first_day <= each.day AND last_day >= each.day
            AND observed_at >= (each.day + interval '1 day') AT TIME ZONE zone
    )
)
