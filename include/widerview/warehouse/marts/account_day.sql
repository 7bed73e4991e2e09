-- One row an account and day of which anything is known: its running totals at the day's end, what they gained on the
-- day, what it published, and the values of whole days.
-- Totals are known for days on which the account was pulled. A gain needs the day before as well: what had grown before
-- the first look, or over days without one, is no day's gain. A gain may be negative.
--
-- key: client_id, source, account_id, day
--
-- client_id            text              The client's id.
-- source               text              The platform.
-- account_id           text              The platform's own id; stays when the handle changes.
-- day                  date              The day; of values of whole days the platform's own.
-- followers            bigint
-- followers_gain       bigint            Gain of the day.
-- following            bigint
-- following_gain       bigint            Gain of the day.
-- posts                bigint
-- posts_gain           bigint            Gain of the day, as the platform counts; rather use published.
-- counts               jsonb             All running totals at the day's end, by metric; null: not reported.
-- published            bigint            Posts of the day, without answers to others; so far, if the last pull came
--                                        before the day's end. NULL: no pull reached the day.
-- answered             bigint            Answers to other people's posts on the day; counted like published.
-- impressions          double precision
-- views                double precision
-- reach                double precision
-- viewers              double precision
-- profile_views        double precision
-- link_clicks          double precision
-- engagements          double precision
-- follows              double precision
-- unfollows            double precision
-- likes                double precision
-- replies              double precision
-- reposts              double precision
-- quotes               double precision
-- shares               double precision
-- bookmarks            double precision
-- clicks               double precision
-- profile_link_clicks  double precision
-- video_views          double precision
-- engaged_views        double precision
-- watch_time           double precision
-- paid_impressions     double precision
-- paid_views           double precision
-- paid_reach           double precision
-- paid_follows         double precision
-- claimed_leads        double precision
-- day_values           jsonb             All values of the whole day, by metric; null: not reported.
-- breaks               text[]            Changes of definition by this day, as metric@version: compare a metric only
--                                        between rows that say the same of it. On the day of its change it has no gain.
WITH known AS (
    SELECT
        client_id, source, account_id, CAST(reached.day AS date) AS day,
        true AS is_reached, reached.day = pulled.day AS is_pulled,
        CAST(NULL AS jsonb) AS counts, CAST(NULL AS jsonb) AS day_values,
        CAST(NULL AS timestamptz) AS observed_at, CAST(NULL AS timestamptz) AS recorded_at
    FROM mart.pull_day AS pulled
    CROSS JOIN LATERAL generate_series(
        CAST(first_day AS timestamp), CAST(pulled.day AS timestamp), interval '1 day'
    ) AS reached (day)
    UNION ALL
    SELECT
        client_id, source, account_id, CAST(observed_at AT TIME ZONE zone AS date), false, true,
        CAST(counts AS jsonb), NULL, observed_at, recorded_at
    FROM public.account
    JOIN mart.zone USING (client_id, source)
    WHERE counts IS NOT NULL AND recorded_at <= mart.as_of()
    UNION ALL
    SELECT
        client_id, source, entity_id, day, false, false,
        NULL, jsonb_build_object(metric, value), observed_at, recorded_at
    FROM public.day_value
    WHERE entity = 'account' AND dimension = 'total' AND recorded_at <= mart.as_of()
), told AS (
    SELECT
        client_id, source, account_id, day,
        bool_or(is_reached) AS is_reached, bool_or(is_pulled) AS is_pulled,
        mart.merged(counts ORDER BY observed_at, recorded_at) AS news,
        mart.merged(day_values ORDER BY observed_at, recorded_at) AS day_values
    FROM known
    GROUP BY client_id, source, account_id, day
), posted AS (
    SELECT
        client_id, source, account_id, day,
        count(*) FILTER (WHERE reply_to IS NULL) AS published, count(reply_to) AS answered
    FROM mart.post
    GROUP BY client_id, source, account_id, day
), running AS (
    SELECT
        *,
        CASE
            WHEN is_pulled THEN mart.merged(news) OVER (PARTITION BY client_id, source, account_id ORDER BY day)
        END AS counts
    FROM told
    LEFT JOIN posted USING (client_id, source, account_id, day)
), gaining AS (
    SELECT
        *,
        CASE
            WHEN lag(day) OVER series = day - 1
            THEN lag(counts) OVER series - ARRAY(
                SELECT metric
                FROM public.metric_definition AS definition
                WHERE definition.source = running.source AND grain = 'account' AND version > 1 AND valid_from = day
            )
        END AS counts_before
    FROM running
    WINDOW series AS (PARTITION BY client_id, source, account_id ORDER BY day)
)
SELECT
    client_id, source, account_id, day,
    total.followers, total.followers - before.followers AS followers_gain,
    total.following, total.following - before.following AS following_gain,
    total.posts, total.posts - before.posts AS posts_gain,
    counts,
    CASE WHEN is_reached THEN coalesce(published, 0) END AS published,
    CASE WHEN is_reached THEN coalesce(answered, 0) END AS answered,
    impressions, views, reach, viewers, profile_views, link_clicks, engagements, follows, unfollows,
    likes, replies, reposts, quotes, shares, bookmarks, clicks, profile_link_clicks, video_views, engaged_views,
    watch_time, paid_impressions, paid_views, paid_reach, paid_follows, claimed_leads,
    day_values,
    ARRAY(
        SELECT metric || '@' || version
        FROM public.metric_definition AS definition
        WHERE definition.source = gaining.source AND grain IN ('account', 'account_day') AND version > 1
            AND valid_from <= day
        ORDER BY metric, version
    ) AS breaks
FROM gaining
CROSS JOIN LATERAL jsonb_to_record(counts) AS total (followers bigint, following bigint, posts bigint)
CROSS JOIN LATERAL jsonb_to_record(counts_before) AS before (followers bigint, following bigint, posts bigint)
CROSS JOIN LATERAL jsonb_to_record(day_values) AS of_day (
    impressions double precision, views double precision, reach double precision, viewers double precision,
    profile_views double precision, link_clicks double precision, engagements double precision,
    follows double precision, unfollows double precision, likes double precision, replies double precision,
    reposts double precision, quotes double precision, shares double precision, bookmarks double precision,
    clicks double precision, profile_link_clicks double precision, video_views double precision,
    engaged_views double precision, watch_time double precision, paid_impressions double precision,
    paid_views double precision, paid_reach double precision, paid_follows double precision,
    claimed_leads double precision
)
