-- One maker of partitions at a time; the lock ends with the transaction.
SELECT pg_advisory_xact_lock(hashtextextended('partitions', 0))
