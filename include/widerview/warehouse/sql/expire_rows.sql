-- A client's rows of one table from before a moment.
DELETE FROM {table} WHERE client_id = :client_id AND {time} < :before
