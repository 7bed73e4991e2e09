-- All that is known of some entities of a client, of each in the order in which it was observed; `place` tells which.
-- Column lists are filled in from the table's definition. client_id stands as a value, not as a join: one load is one
-- client, and on a cluster one shard. The order inside makes PostgreSQL look up entity by entity, by the primary key.
SELECT wanted.place, known.*
FROM unnest({keys}) WITH ORDINALITY AS wanted ({key}, place)
CROSS JOIN LATERAL (
    SELECT observed_at, {known}
    FROM {table}
    WHERE client_id = :client_id AND source = :source AND {same_key}
    ORDER BY observed_at, recorded_at
) AS known
