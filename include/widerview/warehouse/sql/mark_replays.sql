-- Pulls that ended after this one began were compared with a past that lacked it: they are due to be loaded again.
UPDATE load SET replay_due = true
WHERE client_id = :client_id AND source = :source AND ref = :ref AND load_id <> :load_id
    AND observed_at > :earliest AND NOT replay_due
