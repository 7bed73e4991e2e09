-- Every morning a pull of everything.
INSERT INTO load (
    client_id, load_id, source, ref, zone, first_day, last_day, started_at, observed_at, recorded_at, digest,
    rows_parsed, rows_held, rows_stored
)
SELECT
    client_id, concat_ws('/', source, day, client_id, ref), source, ref, zone, day - lookback_days, day,
    observed_at - interval '1 minute', observed_at, observed_at + interval '4 minutes',
    sha256(convert_to(concat_ws('/', client_id, source, ref, day), 'UTF8')), 60, 0, 20
FROM asof.target
CROSS JOIN (
    SELECT CAST(moment AS date) AS day, moment + interval '30 hours' AS next_morning
    FROM generate_series(CAST(:first AS timestamptz), CAST(:last AS timestamptz), interval '1 day') AS moment
) AS days
-- clients are read one after the other
CROSS JOIN LATERAL (
    SELECT next_morning + make_interval(secs => abs(hashtext(client_id) % 3600)) AS observed_at
) AS pulled
ORDER BY observed_at, client_id, source, ref
