-- The pulls of a source that may hold what was observed at a moment: those that were under way, then later ones, since
-- what is read from a file was observed when the file was saved.
SELECT load_id
FROM load
WHERE client_id = :client_id AND source = :source AND observed_at >= :at
ORDER BY started_at > :at, observed_at, load_id
