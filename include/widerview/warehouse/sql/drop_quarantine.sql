-- What was held back of a pull, before it is judged anew.
DELETE FROM quarantine WHERE client_id = :client_id AND load_id = :load_id
