-- One row a day and asset of a folder of files, or of a website, with its latest values. An asset is named as the files
-- or the log name it: a promo code, an event, a newsletter, a short path. Whose it was on the day stands in the client's
-- file.
--
-- key: client_id, source, entity_id, day, asset
--
-- client_id     text                      The client's id.
-- source        text                      Where it was counted.
-- entity_id     text                      The folder's name, or the site's id.
-- day           date                      The client's own day; of a site, the site's own.
-- asset         text                      The code, event, newsletter or path, in lower case.
-- redemptions   double precision
-- revenue       double precision
-- attendance    double precision
-- emails_sent   double precision
-- email_opens   double precision
-- email_clicks  double precision
-- unsubscribes  double precision
-- scans         double precision
-- observed_at   timestamp with time zone  When the latest file that told something new of it had been saved.
-- receipt       text                      sha256 of that file in landing, in hex.
WITH latest AS (
    SELECT DISTINCT ON (client_id, day, source, entity, entity_id, member, metric) *
    FROM public.day_value
    WHERE dimension = 'asset' AND recorded_at <= mart.as_of()
    ORDER BY client_id, day, source, entity, entity_id, member, metric, observed_at DESC, recorded_at DESC
), together AS (
    SELECT
        client_id, source, entity_id, day, member AS asset, jsonb_object_agg(metric, value) AS day_values,
        max(observed_at) AS observed_at, (array_agg(receipt ORDER BY observed_at DESC))[1] AS receipt
    FROM latest
    GROUP BY client_id, source, entity_id, day, member
)
SELECT
    client_id, source, entity_id, day, asset,
    redemptions, revenue, attendance, emails_sent, email_opens, email_clicks, unsubscribes, scans,
    observed_at, encode(receipt, 'hex') AS receipt
FROM together
CROSS JOIN LATERAL jsonb_to_record(day_values) AS of_day (
    redemptions double precision, revenue double precision, attendance double precision,
    emails_sent double precision, email_opens double precision, email_clicks double precision,
    unsubscribes double precision, scans double precision
)
