-- Keep a copy of a table on every node.
SELECT create_reference_table(CAST(:table AS regclass))
