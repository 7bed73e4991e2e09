-- Each metric of each post published in an interval, with one value: the latest by the post's cutoff; if none had
-- been observed by then, the earliest after it. Nothing observed after :as_of counts.
-- The cutoff is the end of the ISO week in which the post was published, on the clock of :zone, plus an age;
-- without an age it is :as_of.
WITH published AS (
    SELECT source, post_id, account_id, CASE
        WHEN CAST(:age_seconds AS double precision) IS NULL THEN CAST(:as_of AS timestamptz)
        ELSE (date_trunc('week', published_at AT TIME ZONE CAST(:zone AS text)) + interval '7 days')
            AT TIME ZONE CAST(:zone AS text) + make_interval(secs => CAST(:age_seconds AS double precision))
    END AS cutoff
    FROM ({posts}) AS posts
)
SELECT DISTINCT ON (counter.source, counter.entity_id, counter.metric)
    counter.source, published.account_id, counter.entity_id AS post_id, counter.metric, counter.value,
    counter.observed_at, counter.observed_at > published.cutoff AS late, encode(counter.receipt, 'hex') AS receipt
FROM published
JOIN counter ON counter.client_id = :client_id AND counter.source = published.source
    AND counter.entity = 'post' AND counter.entity_id = published.post_id AND counter.observed_at <= :as_of
ORDER BY
    counter.source, counter.entity_id, counter.metric,
    late, CASE WHEN counter.observed_at <= published.cutoff THEN counter.observed_at END DESC, counter.observed_at
