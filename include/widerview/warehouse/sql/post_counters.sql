-- Each metric of each post published in an interval, with one value: the latest by the post's cutoff; if none had
-- been observed by then, the earliest after it. Nothing recorded after :as_of counts.
-- The cutoff is the end of the ISO week in which the post was published, on the clock of :zone, plus an age;
-- without an age there is none.
WITH published AS (
    SELECT source, post_id, published_at, account_id, coalesce(
        (date_trunc('week', published_at AT TIME ZONE CAST(:zone AS text)) + interval '7 days')
            AT TIME ZONE CAST(:zone AS text) + make_interval(secs => CAST(:age_seconds AS double precision)),
        'infinity'
    ) AS cutoff
    FROM ({posts}) AS posts
)
SELECT DISTINCT ON (source, post_id, metric)
    source, published.account_id, post_id, counted.metric, CAST(counted.value AS bigint) AS value,
    post.observed_at, post.observed_at > published.cutoff AS late, encode(post.receipt, 'hex') AS receipt
FROM published
JOIN post USING (source, post_id, published_at)
CROSS JOIN LATERAL json_each_text(post.counts) AS counted (metric, value)
WHERE post.client_id = :client_id AND post.published_at >= :first AND post.published_at < :end
    AND post.recorded_at <= :as_of
ORDER BY
    source, post_id, metric,
    late, CASE WHEN post.observed_at <= published.cutoff THEN post.observed_at END DESC, post.observed_at,
    post.recorded_at DESC
