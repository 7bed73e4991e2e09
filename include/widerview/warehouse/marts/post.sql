-- One row a post of the client's own: its content as last seen, and its running totals. Answers to other people's
-- posts are in it, too; they have reply_to.
--
-- key: client_id, source, post_id
--
-- client_id            text                      The client's id.
-- source               text                      The platform.
-- account_id           text                      Who published it.
-- post_id              text                      The platform's own id of the post.
-- published_at         timestamp with time zone  When it was published, as the platform says.
-- day                  date                      The day it was published.
-- zone                 text                      IANA time zone of its days.
-- kind                 text                      text, image, video, link, poll, quote, carousel, reel or story.
-- text                 text                      Its words, as written.
-- permalink            text                      Where to see it.
-- tags                 text[]                    Hashtags in lower case, without #.
-- links                text[]                    Links in it.
-- reply_to             text                      The post of somebody else that it answers; NULL if none.
-- impressions          bigint
-- views                bigint
-- reach                bigint
-- viewers              bigint
-- video_views          bigint
-- engaged_views        bigint
-- watch_time           bigint
-- likes                bigint
-- replies              bigint
-- reposts              bigint
-- quotes               bigint
-- shares               bigint
-- bookmarks            bigint
-- clicks               bigint
-- link_clicks          bigint
-- engagements          bigint
-- engaged_people       bigint
-- profile_views        bigint
-- follows              bigint
-- paid_views           bigint
-- profile_link_clicks  bigint
-- claimed_leads        bigint
-- counts               jsonb                     All its running totals, by metric; null: not reported.
-- breaks               text[]                    Changes of definition by observed_at, as metric@version; metric@1+2:
--                                                while this total was running, so that it is counted by both. Compare a
--                                                metric only between rows that say the same of it.
-- first_observed_at    timestamp with time zone  When it was first seen.
-- observed_at          timestamp with time zone  When the latest answer that told something new of it had arrived.
-- receipt              text                      sha256 of that answer in landing, in hex.
WITH version AS (
    -- by published_at, too: a post that its platform dates anew is counted anew
    SELECT
        client_id, source, post_id, published_at,
        (array_agg(post ORDER BY observed_at DESC, recorded_at DESC) FILTER (WHERE kind IS NOT NULL))[1] AS content,
        mart.merged(CAST(counts AS jsonb) ORDER BY observed_at, recorded_at) AS counts,
        min(observed_at) AS first_observed_at, max(observed_at) AS observed_at,
        (array_agg(receipt ORDER BY observed_at DESC, recorded_at DESC))[1] AS receipt
    FROM public.post
    WHERE recorded_at <= mart.as_of()
    GROUP BY client_id, source, post_id, published_at
), latest AS (
    SELECT DISTINCT ON (client_id, source, post_id) *
    FROM version
    WHERE content IS DISTINCT FROM NULL
    ORDER BY client_id, source, post_id, (content).observed_at DESC, (content).recorded_at DESC
), seen AS (
    SELECT
        client_id, source, (content).account_id COLLATE "C" AS account_id, post_id, published_at, zone,
        CAST(published_at AT TIME ZONE zone AS date) AS day,
        (content).kind, (content).text, (content).permalink, (content).tags, (content).links, (content).reply_to,
        counts, first_observed_at, observed_at, receipt
    FROM latest
    JOIN mart.zone USING (client_id, source)
)
SELECT
    client_id, source, account_id, post_id, published_at, day, zone, kind, text, permalink, tags, links, reply_to,
    impressions, views, reach, viewers, video_views, engaged_views, watch_time, likes, replies, reposts, quotes, shares,
    bookmarks, clicks, link_clicks, engagements, engaged_people, profile_views, follows, paid_views,
    profile_link_clicks, claimed_leads, counts,
    ARRAY(
        SELECT metric || '@' || CASE WHEN valid_from > day THEN version - 1 || '+' ELSE '' END || version
        FROM public.metric_definition AS definition
        WHERE definition.source = seen.source AND grain = 'post' AND version > 1
            AND valid_from <= CAST(observed_at AT TIME ZONE zone AS date)
        ORDER BY metric, version
    ) AS breaks,
    first_observed_at, observed_at, encode(receipt, 'hex') AS receipt
FROM seen
CROSS JOIN LATERAL jsonb_to_record(counts) AS total (
    impressions bigint, views bigint, reach bigint, viewers bigint, video_views bigint, engaged_views bigint,
    watch_time bigint, likes bigint, replies bigint, reposts bigint, quotes bigint, shares bigint, bookmarks bigint,
    clicks bigint, link_clicks bigint, engagements bigint, engaged_people bigint, profile_views bigint,
    follows bigint, paid_views bigint, profile_link_clicks bigint, claimed_leads bigint
)
