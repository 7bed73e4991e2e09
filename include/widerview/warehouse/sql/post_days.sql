-- What the posts of each day of an interval have earned as of a moment, on the clock of :zone; answers to others left
-- out. NULL: not reported of any of the day's posts.
SELECT
    posts.source, posts.account_id, CAST(posts.published_at AT TIME ZONE CAST(:zone AS text) AS date) AS day,
    count(*) AS posts, count(earned.reactions) AS counted,
    CAST(sum(earned.reactions) AS bigint) AS reactions, CAST(sum(earned.replies) AS bigint) AS replies,
    CAST(sum(earned.passed_on) AS bigint) AS passed_on
FROM ({posts}) AS posts
LEFT JOIN (
    SELECT
        source, post_id,
        sum(value) FILTER (WHERE metric = ANY(:reactions)) AS reactions,
        sum(value) FILTER (WHERE metric = ANY(:replies)) AS replies,
        sum(value) FILTER (WHERE metric = ANY(:passed_on)) AS passed_on
    FROM ({post_counters}) AS counters
    GROUP BY source, post_id
) AS earned USING (source, post_id)
WHERE posts.reply_to IS NULL
GROUP BY posts.source, posts.account_id, day
ORDER BY posts.source, posts.account_id, day
