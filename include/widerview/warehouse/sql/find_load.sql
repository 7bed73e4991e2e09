-- The counts of a pull that is in the warehouse already.
SELECT rows_parsed, rows_held, rows_stored, replay_due
FROM load
WHERE client_id = :client_id AND load_id = :load_id
