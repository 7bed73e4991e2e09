-- A client's rows of one table.
DELETE FROM {table} WHERE client_id = :client_id
