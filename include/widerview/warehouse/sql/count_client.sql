-- How many rows of a client are in one table.
SELECT count(*) FROM {table} WHERE client_id = :client_id
