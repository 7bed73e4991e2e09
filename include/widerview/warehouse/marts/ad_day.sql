-- One row a day, campaign and platform of an ads manager's export in a folder, with its latest values. What one platform
-- claims, another may claim too: never add up claims of several, nor to what the website measured.
--
-- key: client_id, source, entity_id, day, campaign, platform
--
-- client_id            text                      The client's id.
-- source               text                      Where the export came from.
-- entity_id            text                      The folder's name.
-- day                  date                      The client's own day.
-- campaign             text                      The campaign as the export calls it, in lower case: its key or its name.
-- platform             text                      Whose ads manager it is.
-- claimed_conversions  double precision
-- spend                double precision
-- observed_at          timestamp with time zone  When the latest file that told something new of it had been saved.
-- receipt              text                      sha256 of that file in landing, in hex.
WITH latest AS (
    SELECT DISTINCT ON (client_id, day, source, entity_id, member, metric) *
    FROM public.day_value
    WHERE entity = 'folder' AND dimension = 'touchpoint' AND recorded_at <= mart.as_of()
    ORDER BY client_id, day, source, entity_id, member, metric, observed_at DESC, recorded_at DESC
), together AS (
    SELECT
        client_id, source, entity_id, day, member, jsonb_object_agg(metric, value) AS day_values,
        max(observed_at) AS observed_at, (array_agg(receipt ORDER BY observed_at DESC))[1] AS receipt
    FROM latest
    GROUP BY client_id, source, entity_id, day, member
)
SELECT
    client_id, source, entity_id, day,
    -- the campaign's name may have a slash in it, a platform's has none
    regexp_replace(member, '/[^/]*$', '') AS campaign, substring(member FROM '[^/]*$') AS platform,
    claimed_conversions, spend,
    observed_at, encode(receipt, 'hex') AS receipt
FROM together
CROSS JOIN LATERAL jsonb_to_record(day_values) AS of_day (
    claimed_conversions double precision, spend double precision
)
