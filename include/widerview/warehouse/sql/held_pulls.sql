-- The pulls of a client of which something is held, of one source or all (NULL), the oldest first; and how much.
SELECT load_id, rows_held
FROM load
WHERE client_id = :client_id AND rows_held > 0 AND (CAST(:source AS text) IS NULL OR source = :source)
ORDER BY observed_at, load_id
