-- One load at a time for each client and source; the locks end with the transaction. A report that is about to say
-- as of when it speaks waits for the loads of its client, and they for it: see as_of.sql.
SELECT
    pg_advisory_xact_lock_shared(hashtextextended('warehouse ' || CAST(:client_id AS text), 0)),
    pg_advisory_xact_lock(hashtextextended('load ' || CAST(:client_id AS text) || ' ' || CAST(:source AS text), 0)),
    -- What is known is looked up by the primary key. On a table that was empty when last vacuumed the planner would
    -- scan it instead, over and over, while this load fills it. Compiling costs more than it saves.
    set_config('enable_seqscan', 'off', true),
    set_config('jit', 'off', true),
    to_regclass('pg_temp.staged_quarantine') IS NOT NULL AS has_staging
