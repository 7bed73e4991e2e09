-- One writer at a time for each client's crises; the lock ends with the transaction.
SELECT pg_advisory_xact_lock(hashtextextended('crisis ' || CAST(:client_id AS text), 0))
