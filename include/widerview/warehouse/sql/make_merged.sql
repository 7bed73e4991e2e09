-- What a sequence of observations says in the end: of each metric the value that came last.
CREATE OR REPLACE AGGREGATE mart.merged(jsonb) (SFUNC = jsonb_concat, STYPE = jsonb, INITCOND = '{}', PARALLEL = SAFE)
