-- What others wrote under the client's posts in an interval, the first of each conversation, and when the client first
-- answered it: by an answer there, or by a post that answers it.
SELECT received.source, received.account_id, received.comment_id AS message_id, received.published_at AS written_at,
    min(own.published_at) AS answered_at, received.observed_at, encode(received.receipt, 'hex') AS receipt
FROM (
    SELECT DISTINCT ON (source, comment_id) *
    FROM comment
    WHERE client_id = :client_id AND published_at >= :first AND published_at < :end AND recorded_at <= :as_of
    ORDER BY source, comment_id, observed_at DESC, recorded_at DESC
) AS received
LEFT JOIN (
    SELECT source, reply_to, published_at
    FROM comment
    WHERE client_id = :client_id AND published_at >= :first AND recorded_at <= :as_of AND own
    UNION ALL
    SELECT source, reply_to, published_at
    FROM post
    WHERE client_id = :client_id AND published_at >= :first AND recorded_at <= :as_of AND reply_to IS NOT NULL
) AS own ON own.source = received.source AND own.reply_to = received.comment_id
WHERE NOT received.own AND received.reply_to IS NULL
GROUP BY
    received.source, received.account_id, received.comment_id, received.published_at, received.observed_at,
    received.receipt
ORDER BY written_at, source, message_id
