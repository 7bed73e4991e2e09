-- The latest version, as of a moment, of each post published in an interval.
SELECT
    version.source, version.account_id, version.post_id, version.published_at, version.kind, version.text,
    version.permalink, version.tags, version.links, version.reply_to,
    version.observed_at, encode(version.receipt, 'hex') AS receipt
FROM (
    SELECT DISTINCT source, post_id
    FROM post
    WHERE client_id = :client_id AND published_at >= :first AND published_at < :end AND observed_at <= :as_of
) AS published
CROSS JOIN LATERAL (
    SELECT *
    FROM post
    WHERE client_id = :client_id AND source = published.source AND post_id = published.post_id
        AND observed_at <= :as_of
    ORDER BY observed_at DESC
    LIMIT 1
) AS version
-- a correction may have moved it out of the interval
WHERE version.published_at >= :first AND version.published_at < :end
ORDER BY version.published_at, version.source, version.post_id
