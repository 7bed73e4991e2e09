-- Record the pull as loaded. What was parsed and stored, and when, stays as it was at first; what is held may change.
INSERT INTO load (
    client_id, load_id, source, ref, zone, first_day, last_day, started_at, observed_at, recorded_at, digest,
    rows_parsed, rows_held, rows_stored, unavailable
) VALUES (
    :client_id, :load_id, :source, :ref, :zone, :first_day, :last_day, :started_at, :observed_at, :recorded_at, :digest,
    :parsed, :held, :stored, CAST(:unavailable AS jsonb)
)
ON CONFLICT (client_id, load_id) DO UPDATE SET
    replay_due = false, digest = excluded.digest, rows_held = excluded.rows_held, unavailable = excluded.unavailable
