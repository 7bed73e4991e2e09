-- Every pull's days, as of a moment; of the pulls made since a day, unless that is NULL.
SELECT source, ref, first_day, last_day, observed_at
FROM load
WHERE client_id = :client_id AND recorded_at <= :as_of
    AND observed_at >= coalesce(CAST(:since AS timestamp) AT TIME ZONE 'UTC', '-infinity')
ORDER BY source, ref, observed_at, load_id
