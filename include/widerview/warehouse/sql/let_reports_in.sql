-- Let the role that reports read with log in on the workers, where Citus connects as the role that asks. Citus refuses
-- changes of roles on a worker unless they are not meant to be passed on.
SELECT nodename, nodeport, result
FROM run_command_on_workers($command$
    DO $$
    BEGIN
        PERFORM set_config('citus.enable_ddl_propagation', 'off', true);
        ALTER ROLE widerview_report LOGIN;
    END
    $$
$command$)
WHERE NOT success
