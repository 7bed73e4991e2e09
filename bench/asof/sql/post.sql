-- What was seen, over four weeks each, of the posts that all accounts published in one month: their content once, and
-- of their running totals those that were new. Every eighth is an answer to somebody else.
INSERT INTO post (
    client_id, source, post_id, published_at, observed_at, recorded_at, account_id, kind, text, permalink, tags, links,
    reply_to, counts, receipt
)
WITH published AS MATERIALIZED (
    SELECT
        client_id, source, ref, entity_id, number, entity_id || '/post/' || number AS post_id, day,
        CAST(day AS timestamptz) + make_interval(hours => 8, secs => chance) AS published_at,
        20 + chance % 60 AS popularity
    FROM asof.target
    CROSS JOIN generate_series(0, CAST(:posts AS integer) - 1) AS number
    CROSS JOIN LATERAL (
        SELECT
            CAST(:first AS date) + CAST(floor(number * 364.0 / :posts) AS integer) AS day,
            abs(hashtext(entity_id || number) % 36000) AS chance
    ) AS of_post
    WHERE source <> 'matomo' AND day >= :month AND day < :next_month
), told AS MATERIALIZED (
    SELECT
        source, age, ln(2.7 + age) AS growth,
        '{' || string_agg(format(
            '"%s":%%%s$s', metric, array_position(ARRAY['likes', 'reposts', 'replies', 'quotes', 'bookmarks'], metric)
        ), ',') || '}' AS pattern
    FROM asof.news
    GROUP BY source, age
)
SELECT
    client_id, source, post_id, published_at, observed_at, recorded_at, entity_id,
    CASE WHEN age = 0 THEN 'link' END,
    CASE WHEN age = 0 THEN format(
        'Number %s: fresh from the oven since six this morning, as long as there is any. Come early, bring a bag, '
        'and tell us which one is yours. #AutumnBread https://shop.example/%1$s', number
    ) END,
    CASE WHEN age = 0 THEN format('https://%s.example/%s/%s', source, ref, number) END,
    CASE WHEN age = 0 THEN ARRAY['autumnbread'] END,
    CASE WHEN age = 0 THEN ARRAY[format('https://shop.example/%s?utm_campaign=autumn-bread', number)] END,
    CASE WHEN age = 0 AND number % 8 = 7 THEN format('https://%s.example/somebody/%s', source, number) END,
    CAST(format(
        pattern,
        floor(popularity * growth), floor(0.3 * popularity * growth), floor(0.2 * popularity * growth),
        floor(0.05 * popularity * growth), floor(0.1 * popularity * growth)
    ) AS json),
    digest
FROM published
JOIN told USING (source)
JOIN load USING (client_id, source, ref)
WHERE last_day = day + age AND last_day >= :month AND last_day < CAST(:next_month AS date) + 28
ORDER BY observed_at, client_id, source, ref, published_at
