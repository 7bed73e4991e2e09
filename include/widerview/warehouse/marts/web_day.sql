-- One row a site, day, and member of a dimension, with its latest values. Rows of one dimension add up to its total,
-- as far as the analytics tells them apart; rows of two dimensions count the same visits twice. So do two analytics of
-- one website: the report tells the first in the client's file.
--
-- key: client_id, source, site, day, dimension, member
--
-- client_id              text                      The client's id.
-- source                 text                      The web analytics.
-- site                   text                      The site's id there.
-- day                    date                      The site's own day.
-- zone                   text                      IANA time zone of the day.
-- dimension              text                      What it is split by: total, channel, campaign, touchpoint, network,
--                                                  query, page, asset, first_campaign.
-- member                 text                      The member of the dimension; empty for total.
-- visits                 double precision
-- unique_visitors        double precision
-- actions                double precision
-- bounces                double precision
-- converted_visits       double precision
-- new_visitors           double precision
-- page_views             double precision
-- engaged_visits         double precision
-- visit_time             double precision
-- conversions            double precision
-- requests               double precision
-- search_impressions     double precision
-- search_clicks          double precision
-- search_position        double precision
-- revenue                double precision
-- landing_visits         double precision
-- tagged_landing_visits  double precision
-- day_values             jsonb                     All its values, by metric; null: not reported.
-- breaks                 text[]                    Changes of definition by this day, as metric@version: compare a
--                                                  metric only between rows that say the same of it.
-- observed_at            timestamp with time zone  When the latest answer that told something new of it had arrived.
-- receipt                text                      sha256 of that answer in landing, in hex.
WITH latest AS (
    SELECT DISTINCT ON (client_id, day, source, entity, entity_id, dimension, member, metric) *
    FROM public.day_value
    WHERE entity = 'site' AND recorded_at <= mart.as_of()
    ORDER BY
        client_id, day, source, entity, entity_id, dimension, member, metric, observed_at DESC, recorded_at DESC
), together AS (
    SELECT
        client_id, source, entity_id AS site, day, dimension, member, max(zone) AS zone,
        jsonb_object_agg(metric, value) AS day_values,
        max(observed_at) AS observed_at, (array_agg(receipt ORDER BY observed_at DESC))[1] AS receipt
    FROM latest
    GROUP BY client_id, day, source, entity_id, dimension, member
)
SELECT
    client_id, source, site, day, zone, dimension, member,
    visits, unique_visitors, actions, bounces, converted_visits,
    new_visitors, page_views, engaged_visits, visit_time, conversions, requests,
    search_impressions, search_clicks, search_position, revenue, landing_visits, tagged_landing_visits, day_values,
    ARRAY(
        SELECT metric || '@' || version
        FROM public.metric_definition AS definition
        WHERE definition.source = together.source AND grain = 'site_day' AND version > 1 AND valid_from <= day
        ORDER BY metric, version
    ) AS breaks,
    observed_at, encode(receipt, 'hex') AS receipt
FROM together
CROSS JOIN LATERAL jsonb_to_record(day_values) AS of_day (
    visits double precision, unique_visitors double precision, actions double precision, bounces double precision,
    converted_visits double precision, new_visitors double precision, page_views double precision,
    engaged_visits double precision, visit_time double precision, conversions double precision,
    requests double precision, search_impressions double precision, search_clicks double precision,
    search_position double precision, revenue double precision, landing_visits double precision,
    tagged_landing_visits double precision
)
