-- One writer at a time for each client and period; the lock ends with the transaction.
SELECT pg_advisory_xact_lock(hashtextextended('report ' || CAST(:client_id AS text) || ' ' || CAST(:period AS text), 0))
