-- The present moment, when no load of the client is under way: whatever is recorded later will say so.
SELECT
    pg_advisory_xact_lock(hashtextextended('warehouse ' || CAST(:client_id AS text), 0)),
    clock_timestamp() AS as_of
