-- What the client wrote to others in an interval, each once: answers that stand under a post, and posts that answer one.
SELECT DISTINCT ON (source, message_id)
    source, account_id, message_id, written_at, observed_at, encode(receipt, 'hex') AS receipt
FROM (
    SELECT source, account_id, comment_id AS message_id, published_at AS written_at, observed_at, recorded_at, receipt
    FROM comment
    WHERE client_id = :client_id AND published_at >= :first AND published_at < :end AND recorded_at <= :as_of AND own
    UNION ALL
    SELECT source, account_id, post_id, published_at, observed_at, recorded_at, receipt
    FROM post
    WHERE client_id = :client_id AND published_at >= :first AND published_at < :end AND recorded_at <= :as_of
        AND reply_to IS NOT NULL
) AS version
ORDER BY source, message_id, observed_at DESC, recorded_at DESC
