-- Keep the rows that were held back.
INSERT INTO quarantine (client_id, load_id, row_index, kind, reason, "row", receipt)
SELECT CAST(:client_id AS text), CAST(:load_id AS text), seq, kind, reason, "row", decode(receipt, 'hex')
FROM staged_quarantine
ON CONFLICT DO NOTHING
