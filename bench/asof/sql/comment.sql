-- Two comments a post, by people who come back.
INSERT INTO comment (
    client_id, source, comment_id, published_at, observed_at, recorded_at, account_id, post_id, author, own, text,
    permalink, reply_to, receipt
)
SELECT
    client_id, source, post_id || '/' || number, published_at + make_interval(hours => number),
    observed_at, recorded_at, account_id, post_id,
    encode(sha256(convert_to(client_id || abs(hashtext(post_id) % 40) * number, 'UTF8')), 'hex'),
    false, 'The dark one, always the dark one. When do you open on Sundays?', '', NULL, receipt
FROM post
CROSS JOIN generate_series(1, 2) AS number
WHERE kind IS NOT NULL AND reply_to IS NULL
    AND published_at + make_interval(hours => number) >= :month
    AND published_at + make_interval(hours => number) < :next_month
ORDER BY observed_at, client_id, source, post_id
