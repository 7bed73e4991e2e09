-- What the client wrote to others in an interval, each once: answers that stand under a post, and posts that answer one.
SELECT source, account_id, comment_id AS message_id, published_at AS written_at
FROM comment
WHERE client_id = :client_id AND published_at >= :first AND published_at < :end AND recorded_at <= :as_of AND own
UNION
SELECT source, account_id, post_id, published_at
FROM post
WHERE client_id = :client_id AND published_at >= :first AND published_at < :end AND recorded_at <= :as_of
    AND reply_to IS NOT NULL
ORDER BY written_at, source, message_id
