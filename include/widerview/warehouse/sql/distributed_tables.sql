-- The tables that Citus knows, distributed or copied to every node.
SELECT relname FROM pg_dist_partition JOIN pg_class ON pg_class.oid = logicalrelid
