-- Every pull's days, as of a moment.
SELECT source, ref, first_day, last_day, observed_at
FROM load
WHERE client_id = :client_id AND observed_at <= :as_of
ORDER BY source, ref, observed_at, load_id
