-- The pulls of a source that were under way at a moment: what was observed then has come with one of them.
SELECT load_id
FROM load
WHERE client_id = :client_id AND source = :source AND started_at <= :at AND observed_at >= :at
ORDER BY observed_at, load_id
