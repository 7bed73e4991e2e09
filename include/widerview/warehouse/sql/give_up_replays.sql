-- Pulls that cannot be loaded again, because their answers are no longer kept, are no longer due to be.
UPDATE load SET replay_due = false WHERE client_id = :client_id AND replay_due AND started_at < :before
