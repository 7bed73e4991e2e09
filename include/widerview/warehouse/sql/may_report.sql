-- Whether there is the role that reports read with, and this user may take it on.
SELECT coalesce(bool_or(pg_has_role(oid, 'MEMBER')), false) FROM pg_roles WHERE rolname = :role
