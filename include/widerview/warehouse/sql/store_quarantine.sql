-- Keep the rows that are held back.
INSERT INTO quarantine (client_id, load_id, row_index, metric, recorded_at, kind, reason, "row", receipt, run, raw)
SELECT
    CAST(:client_id AS text), CAST(:load_id AS text), row_index, metric, CAST(:recorded_at AS timestamptz),
    kind, reason, "row", decode(receipt, 'hex'), CAST(:run AS text), CAST(:raw AS jsonb) ->> receipt
FROM staged_quarantine
