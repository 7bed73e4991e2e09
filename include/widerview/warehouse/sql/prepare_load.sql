-- One load at a time for each client and source; the lock ends with the transaction.
SELECT
    pg_advisory_xact_lock(hashtextextended('load ' || CAST(:client_id AS text) || ' ' || CAST(:source AS text), 0)),
    -- Each staged row looks up its predecessor by the primary key. On a table that was empty when last vacuumed
    -- the planner would scan it instead, over and over, while this load fills it.
    set_config('enable_seqscan', 'off', true)
