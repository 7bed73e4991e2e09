-- Whether this database has the extension Citus.
SELECT to_regclass('pg_dist_partition') IS NOT NULL
