-- The posts under which others wrote in an interval (its end included), and how much: most first.
SELECT said.source, said.post_id, coalesce(post.permalink, '') AS permalink, said.comments
FROM (
    SELECT source, post_id, count(*) AS comments
    FROM (
        SELECT DISTINCT ON (source, comment_id) source, post_id, own
        FROM comment
        WHERE client_id = :client_id AND published_at > :after AND published_at <= :until AND recorded_at <= :as_of
        ORDER BY source, comment_id, observed_at DESC, recorded_at DESC
    ) AS latest
    WHERE NOT own
    GROUP BY source, post_id
) AS said
LEFT JOIN LATERAL (
    SELECT permalink
    FROM post
    WHERE client_id = :client_id AND post.source = said.source AND post.post_id = said.post_id
        AND published_at <= :until AND recorded_at <= :as_of AND permalink IS NOT NULL
    ORDER BY observed_at DESC, recorded_at DESC
    LIMIT 1
) AS post ON true
ORDER BY said.comments DESC, said.source, said.post_id
