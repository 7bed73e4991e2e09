-- The role that reports read with. Another database of the server may be making it at the same time.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'widerview_report') THEN
        BEGIN
            CREATE ROLE widerview_report NOLOGIN;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;
        END;
    END IF;
    EXECUTE format('GRANT widerview_report TO %I', current_user);
END
$$
