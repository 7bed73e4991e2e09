-- The moment that the marts speak of: what was recorded later does not exist for them. SET widerview.as_of =
-- '2026-11-02 08:00+00' sets it for a session; unset, it is the end of time, and all that is recorded counts.
CREATE OR REPLACE FUNCTION mart.as_of() RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE
RETURN coalesce(CAST(nullif(current_setting('widerview.as_of', true), '') AS timestamptz), 'infinity')
