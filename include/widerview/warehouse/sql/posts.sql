-- The latest content, as of a moment, of each post published in an interval.
SELECT
    latest.source, latest.account_id, latest.post_id, latest.published_at, latest.kind, latest.text,
    latest.permalink, latest.tags, latest.links, latest.reply_to,
    latest.observed_at, encode(latest.receipt, 'hex') AS receipt
FROM (
    SELECT DISTINCT ON (source, post_id) *
    FROM post
    WHERE client_id = :client_id AND published_at >= :first AND published_at < :end
        AND recorded_at <= :as_of AND kind IS NOT NULL
    ORDER BY source, post_id, observed_at DESC, recorded_at DESC
) AS latest
-- a platform may say later that it was published at another time; or better code may read so
WHERE NOT EXISTS (
    SELECT FROM post AS moved
    WHERE moved.client_id = :client_id AND moved.source = latest.source AND moved.post_id = latest.post_id
        AND moved.published_at <> latest.published_at AND moved.recorded_at <= :as_of AND moved.kind IS NOT NULL
        AND (moved.observed_at, moved.recorded_at) > (latest.observed_at, latest.recorded_at)
)
ORDER BY latest.published_at, latest.source, latest.post_id
