-- The newest posts of some accounts published in an interval, each row that was observed of them before a moment, in the
-- order in which they were observed.
WITH newest AS (
    SELECT post_id, published_at
    FROM post
    WHERE client_id = :client_id AND source = :source AND published_at >= :first AND published_at < :before
        AND account_id = ANY(:accounts) AND observed_at < :before AND kind IS NOT NULL
    GROUP BY post_id, published_at
    ORDER BY published_at DESC, post_id
    LIMIT :most
)
SELECT post_id, published_at, account_id, text, counts, observed_at
FROM newest
JOIN post USING (post_id, published_at)
WHERE client_id = :client_id AND source = :source AND published_at >= :first AND observed_at < :before
ORDER BY published_at, post_id, observed_at, recorded_at
