-- Store what is new. It was compared with what is known under the load's lock, so a key is there already only if the
-- same observation is loaded once more under the same moment: then the row holds what it did and what is new.
INSERT INTO {table} (client_id, source, recorded_at, {fields})
SELECT CAST(:client_id AS text), CAST(:source AS text), CAST(:recorded_at AS timestamptz), {values}
FROM staged_{table}
