-- One row a post and day on which it was pulled: its running totals at the day's end, and what they gained on the day.
-- A gain needs the day before as well: what had grown before the first look, or over days without one, is no day's
-- gain. A gain may be negative: likes are taken back.
--
-- key: client_id, source, post_id, day
--
-- client_id                 text                      The client's id.
-- source                    text                      The platform.
-- account_id                text                      Who published it.
-- post_id                   text                      The platform's own id of the post.
-- day                       date                      The day.
-- published_at              timestamp with time zone  When it was published, as the platform says.
-- age                       integer                   Days since the day it was published.
-- impressions               bigint
-- impressions_gain          bigint                    Gain of the day.
-- views                     bigint
-- views_gain                bigint                    Gain of the day.
-- reach                     bigint
-- reach_gain                bigint                    Gain of the day: people whom it reached for the first time.
-- viewers                   bigint
-- viewers_gain              bigint                    Gain of the day: people who saw it for the first time.
-- video_views               bigint
-- video_views_gain          bigint                    Gain of the day.
-- engaged_views             bigint
-- engaged_views_gain        bigint                    Gain of the day.
-- watch_time                bigint
-- watch_time_gain           bigint                    Gain of the day.
-- likes                     bigint
-- likes_gain                bigint                    Gain of the day.
-- replies                   bigint
-- replies_gain              bigint                    Gain of the day.
-- reposts                   bigint
-- reposts_gain              bigint                    Gain of the day.
-- quotes                    bigint
-- quotes_gain               bigint                    Gain of the day.
-- shares                    bigint
-- shares_gain               bigint                    Gain of the day.
-- bookmarks                 bigint
-- bookmarks_gain            bigint                    Gain of the day.
-- clicks                    bigint
-- clicks_gain               bigint                    Gain of the day.
-- link_clicks               bigint
-- link_clicks_gain          bigint                    Gain of the day.
-- engagements               bigint
-- engagements_gain          bigint                    Gain of the day.
-- engaged_people            bigint
-- engaged_people_gain       bigint                    Gain of the day: people who did something with it for the first
--                                                     time.
-- profile_views             bigint
-- profile_views_gain        bigint                    Gain of the day.
-- follows                   bigint
-- follows_gain              bigint                    Gain of the day.
-- paid_views                bigint
-- paid_views_gain           bigint                    Gain of the day.
-- profile_link_clicks       bigint
-- profile_link_clicks_gain  bigint                    Gain of the day.
-- claimed_leads             bigint
-- claimed_leads_gain        bigint                    Gain of the day.
-- counts                    jsonb                     All running totals at the day's end, by metric; null: not
--                                                     reported.
-- breaks                    text[]                    Changes of definition by this day, as metric@version; metric@1+2:
--                                                     since it was published, so that its total is counted by both.
--                                                     Compare a metric only between rows that say the same of it. On
--                                                     the day of its change it has no gain.
WITH seen AS (
    SELECT
        post.client_id, post.source, post.account_id, post.post_id, post.published_at, post.day AS published_on,
        pulled.day, CAST(NULL AS jsonb) AS counts,
        CAST(NULL AS timestamptz) AS observed_at, CAST(NULL AS timestamptz) AS recorded_at
    FROM mart.post
    JOIN mart.pull_day AS pulled USING (client_id, source, account_id)
    WHERE pulled.first_day <= post.day AND pulled.day >= CAST(post.first_observed_at AT TIME ZONE post.zone AS date)
    UNION ALL
    SELECT
        post.client_id, post.source, post.account_id, post.post_id, post.published_at, post.day,
        CAST(observation.observed_at AT TIME ZONE post.zone AS date), CAST(observation.counts AS jsonb),
        observation.observed_at, observation.recorded_at
    FROM mart.post
    JOIN public.post AS observation USING (client_id, source, post_id, published_at)
    WHERE observation.recorded_at <= mart.as_of()
), told AS (
    SELECT
        client_id, source, post_id, day,
        min(account_id) AS account_id, min(published_at) AS published_at, min(published_on) AS published_on,
        mart.merged(counts ORDER BY observed_at, recorded_at) AS news
    FROM seen
    GROUP BY client_id, source, post_id, day
), running AS (
    SELECT *, mart.merged(news) OVER (PARTITION BY client_id, source, post_id ORDER BY day) AS counts
    FROM told
), gaining AS (
    SELECT
        *,
        CASE
            WHEN lag(day) OVER series = day - 1
            THEN lag(counts) OVER series - ARRAY(
                SELECT metric
                FROM public.metric_definition AS definition
                WHERE definition.source = running.source AND grain = 'post' AND version > 1 AND valid_from = day
            )
        END AS counts_before
    FROM running
    WINDOW series AS (PARTITION BY client_id, source, post_id ORDER BY day)
)
SELECT
    client_id, source, account_id, post_id, day, published_at, day - published_on AS age,
    total.impressions, total.impressions - before.impressions AS impressions_gain,
    total.views, total.views - before.views AS views_gain,
    total.reach, total.reach - before.reach AS reach_gain,
    total.viewers, total.viewers - before.viewers AS viewers_gain,
    total.video_views, total.video_views - before.video_views AS video_views_gain,
    total.engaged_views, total.engaged_views - before.engaged_views AS engaged_views_gain,
    total.watch_time, total.watch_time - before.watch_time AS watch_time_gain,
    total.likes, total.likes - before.likes AS likes_gain,
    total.replies, total.replies - before.replies AS replies_gain,
    total.reposts, total.reposts - before.reposts AS reposts_gain,
    total.quotes, total.quotes - before.quotes AS quotes_gain,
    total.shares, total.shares - before.shares AS shares_gain,
    total.bookmarks, total.bookmarks - before.bookmarks AS bookmarks_gain,
    total.clicks, total.clicks - before.clicks AS clicks_gain,
    total.link_clicks, total.link_clicks - before.link_clicks AS link_clicks_gain,
    total.engagements, total.engagements - before.engagements AS engagements_gain,
    total.engaged_people, total.engaged_people - before.engaged_people AS engaged_people_gain,
    total.profile_views, total.profile_views - before.profile_views AS profile_views_gain,
    total.follows, total.follows - before.follows AS follows_gain,
    total.paid_views, total.paid_views - before.paid_views AS paid_views_gain,
    total.profile_link_clicks, total.profile_link_clicks - before.profile_link_clicks AS profile_link_clicks_gain,
    total.claimed_leads, total.claimed_leads - before.claimed_leads AS claimed_leads_gain,
    counts,
    ARRAY(
        SELECT metric || '@' || CASE WHEN valid_from > published_on THEN version - 1 || '+' ELSE '' END || version
        FROM public.metric_definition AS definition
        WHERE definition.source = gaining.source AND grain = 'post' AND version > 1 AND valid_from <= day
        ORDER BY metric, version
    ) AS breaks
FROM gaining
CROSS JOIN LATERAL jsonb_to_record(counts) AS total (
    impressions bigint, views bigint, reach bigint, viewers bigint, video_views bigint, engaged_views bigint,
    watch_time bigint, likes bigint, replies bigint, reposts bigint, quotes bigint, shares bigint, bookmarks bigint,
    clicks bigint, link_clicks bigint, engagements bigint, engaged_people bigint, profile_views bigint,
    follows bigint, paid_views bigint, profile_link_clicks bigint, claimed_leads bigint
)
CROSS JOIN LATERAL jsonb_to_record(counts_before) AS before (
    impressions bigint, views bigint, reach bigint, viewers bigint, video_views bigint, engaged_views bigint,
    watch_time bigint, likes bigint, replies bigint, reposts bigint, quotes bigint, shares bigint, bookmarks bigint,
    clicks bigint, link_clicks bigint, engagements bigint, engaged_people bigint, profile_views bigint,
    follows bigint, paid_views bigint, profile_link_clicks bigint, claimed_leads bigint
)
