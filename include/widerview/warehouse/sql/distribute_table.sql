-- Spread a table over the nodes by client, each client's rows on the node that has its rows of the other tables.
SELECT create_distributed_table(CAST(:table AS regclass), 'client_id', colocate_with => CAST(:beside AS text))
