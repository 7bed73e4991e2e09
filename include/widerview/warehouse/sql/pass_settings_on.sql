-- Pass SET LOCAL on to the workers, from the next session on: their policies ask which client is set.
DO $$
BEGIN
    EXECUTE format('ALTER DATABASE %I SET citus.propagate_set_commands = %L', current_database(), 'local');
END
$$
