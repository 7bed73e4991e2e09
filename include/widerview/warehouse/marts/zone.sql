-- One row a client and source: the time zone in which the marts count its days, which is that of its latest pull.
--
-- key: client_id, source
--
-- client_id  text  The client's id.
-- source     text  The platform or web analytics.
-- zone       text  IANA time zone.
SELECT DISTINCT ON (client_id, source) client_id, source, zone
FROM public.load
WHERE recorded_at <= mart.as_of()
ORDER BY client_id, source, observed_at DESC, load_id DESC
