-- When others wrote under the client's posts in an interval (its end included), answers to each other included.
SELECT source, account_id, published_at AS written_at
FROM (
    SELECT DISTINCT ON (source, comment_id) source, account_id, published_at, own
    FROM comment
    WHERE client_id = :client_id AND published_at > :after AND published_at <= :until AND recorded_at <= :as_of
    ORDER BY source, comment_id, observed_at DESC, recorded_at DESC
) AS latest
WHERE NOT own
ORDER BY source, account_id, written_at
