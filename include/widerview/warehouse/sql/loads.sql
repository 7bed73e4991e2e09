-- The latest pull of each target, as of a moment, and the first and last day that its pulls had asked for.
SELECT DISTINCT ON (source, ref)
    source, ref, load_id, first_day, last_day, observed_at,
    min(first_day) OVER (PARTITION BY source, ref) AS since, max(last_day) OVER (PARTITION BY source, ref) AS reaches
FROM load
WHERE client_id = :client_id AND observed_at <= :as_of
ORDER BY source, ref, observed_at DESC, load_id DESC
