-- Pulls to load again, in the order in which they were observed.
SELECT load_id
FROM load
WHERE client_id = :client_id AND source = :source AND replay_due
ORDER BY observed_at, load_id
