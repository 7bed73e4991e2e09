-- Record the pull as loaded; the counts of its first load stay.
INSERT INTO load (
    client_id, load_id, source, ref, first_day, last_day, observed_at, rows_parsed, rows_held, rows_stored
) VALUES (
    :client_id, :load_id, :source, :ref, :first_day, :last_day, :observed_at, :parsed, :held, :stored
)
ON CONFLICT (client_id, load_id) DO UPDATE SET replay_due = false
