-- What is held, the newest pull first; of one client, source or pull, and of pulls that ended from a moment on, or of
-- all (NULL).
SELECT
    held.client_id, load.source, load.ref, held.run, held.load_id, load.observed_at, held.row_index,
    nullif(held.metric, '') AS metric, held.kind, held.reason, CAST(held."row" AS text) AS "row",
    encode(held.receipt, 'hex') AS receipt, held.raw
FROM quarantine AS held
INNER JOIN load USING (client_id, load_id)
WHERE
    (CAST(:client_id AS text) IS NULL OR held.client_id = :client_id)
    AND (CAST(:source AS text) IS NULL OR load.source = :source)
    AND (CAST(:load_id AS text) IS NULL OR held.load_id = :load_id)
    AND (CAST(:since AS timestamptz) IS NULL OR load.observed_at >= :since)
ORDER BY load.observed_at DESC, held.client_id, held.load_id, held.row_index, held.metric
LIMIT :most
