-- One row a site, day, campaign and touchpoint that had visits. The rows of a campaign's day add up to all its visits:
-- those of links that do not say their touchpoint stand in a row of their own.
--
-- key: client_id, source, site, day, campaign, touchpoint
--
-- client_id         text                      The client's id.
-- source            text                      The web analytics.
-- site              text                      The site's id there.
-- day               date                      The site's own day.
-- campaign          text                      The campaign's name in its links (utm_campaign), as the analytics has it.
-- touchpoint        text                      The poster, post or code that brought them; empty: the links did not say.
-- visits            double precision
-- converted_visits  double precision
-- breaks            text[]                    Changes of definition by this day, as metric@version: compare a metric
--                                             only between rows that say the same of it.
-- observed_at       timestamp with time zone  When the latest answer that told something new of it had arrived.
WITH part AS (
    SELECT
        *,
        array_agg(member) FILTER (WHERE dimension = 'campaign')
            OVER (PARTITION BY client_id, source, site, day) AS campaigns
    FROM mart.web_day
    WHERE dimension IN ('campaign', 'touchpoint')
), named AS (
    SELECT
        *,
        CASE dimension WHEN 'campaign' THEN member ELSE coalesce(
            -- either name may have a slash in it
            (
                SELECT name
                FROM unnest(campaigns) AS of_day (name)
                WHERE starts_with(member, name || '/')
                ORDER BY length(name) DESC
                LIMIT 1
            ),
            split_part(member, '/', 1)
        ) END AS campaign
    FROM part
), told AS (
    -- NaN stands for a number that is not reported: what is left beside it is not known either
    SELECT
        *,
        count(*) FILTER (WHERE dimension = 'touchpoint') OVER of_campaign AS touchpoints,
        sum(coalesce(visits, 'NaN')) FILTER (WHERE dimension = 'touchpoint') OVER of_campaign AS told_visits,
        sum(coalesce(converted_visits, 'NaN')) FILTER (WHERE dimension = 'touchpoint') OVER of_campaign
            AS told_converted_visits
    FROM named
    WINDOW of_campaign AS (PARTITION BY client_id, source, site, day, campaign)
), own AS (
    SELECT
        *,
        CASE dimension
            WHEN 'campaign' THEN nullif(visits - coalesce(told_visits, 0), 'NaN')
            ELSE visits
        END AS own_visits,
        CASE dimension
            WHEN 'campaign' THEN nullif(converted_visits - coalesce(told_converted_visits, 0), 'NaN')
            ELSE converted_visits
        END AS own_converted_visits
    FROM told
)
SELECT
    client_id, source, site, day, campaign,
    CASE dimension WHEN 'touchpoint' THEN substr(member, length(campaign) + 2) ELSE '' END AS touchpoint,
    own_visits AS visits, own_converted_visits AS converted_visits,
    ARRAY(
        SELECT change
        FROM unnest(breaks) AS of_day (change)
        WHERE split_part(change, '@', 1) IN ('visits', 'converted_visits')
    ) AS breaks,
    observed_at
FROM own
WHERE dimension = 'touchpoint' OR touchpoints = 0 OR own_visits IS DISTINCT FROM 0 OR own_converted_visits <> 0
