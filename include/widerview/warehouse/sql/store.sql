-- Store the staged rows of one table, each only if it differs from what had been observed just before it.
-- Column lists are filled in from the table's definition: the key names an entity, the content is what may change.
-- client_id stands as a value, not as a join: one load is one client, and on a cluster one shard.
INSERT INTO {table} (client_id, source, {key}, observed_at, {content}, receipt)
SELECT
    CAST(:client_id AS text), CAST(:source AS text), {chained_key},
    chained.observed_at, {chained_content}, decode(chained.receipt, 'hex')
FROM (
    -- what this same pull says of the same entity one observation earlier
    SELECT once.*, lag(observed_at) OVER earlier AS before_at, {lagged_content}
    FROM (
        SELECT DISTINCT ON ({key}, observed_at) *
        FROM staged_{table}
        ORDER BY {key}, observed_at, seq
    ) AS once
    WINDOW earlier AS (PARTITION BY {key} ORDER BY observed_at)
) AS chained
LEFT JOIN LATERAL (
    -- what the warehouse knows of it one observation earlier
    SELECT observed_at, {content}
    FROM {table}
    WHERE client_id = :client_id AND source = :source AND {same_key}
        AND observed_at < chained.observed_at
    ORDER BY observed_at DESC
    LIMIT 1
) AS known ON true
WHERE CASE
    WHEN chained.before_at IS NULL AND known.observed_at IS NULL THEN true
    WHEN chained.before_at > known.observed_at OR known.observed_at IS NULL
        THEN ({chained_content}) IS DISTINCT FROM ({before_content})
    ELSE ({chained_content}) IS DISTINCT FROM ({known_content})
END
ON CONFLICT DO NOTHING
