-- Every value that a report could have used and that is another one now than it was then, and why.
-- Running totals of posts are those by each post's cutoff at both moments (post_counters.sql): what has merely grown
-- since is no correction. A post counts by itself, too: `post`, or `reply` if it answers somebody else's, is 1 while
-- its platform dates it in the interval.
-- Our fix: the answer was in the warehouse then, and is read otherwise now. Late data: it was not, and nothing had
-- been known, or it had been given by then. Platform revision: it was given afterwards.
WITH moment (is_then, as_of) AS (
    VALUES (true, CAST(:then AS timestamptz)), (false, CAST(:now AS timestamptz))
), version AS (
    SELECT DISTINCT ON (is_then, source, post_id)
        is_then, source, post_id, account_id, observed_at, receipt,
        published_at >= :first AND published_at < :end AS is_inside, reply_to IS NOT NULL AS is_reply
    FROM moment
    JOIN post ON recorded_at <= as_of
    WHERE client_id = :client_id AND kind IS NOT NULL AND (source, post_id) IN (
        SELECT source, post_id
        FROM post
        WHERE client_id = :client_id AND published_at >= :first AND published_at < :end AND kind IS NOT NULL
    )
    ORDER BY is_then, source, post_id, observed_at DESC, recorded_at DESC
), latest_day_value AS (
    SELECT DISTINCT ON (is_then, day, source, entity, entity_id, dimension, member, metric) *
    FROM moment
    JOIN day_value ON recorded_at <= as_of
    WHERE client_id = :client_id AND day BETWEEN :first_day AND :last_day
    ORDER BY
        is_then, day, source, entity, entity_id, dimension, member, metric, observed_at DESC, recorded_at DESC
), used AS (
    SELECT
        is_then, source, entity, entity_id, entity_id AS target_id, day, dimension, member, metric, value,
        observed_at, encode(receipt, 'hex') AS receipt
    FROM latest_day_value
    UNION ALL
    SELECT
        is_then, source, 'post', post_id, account_id, NULL, '', '', counted.metric,
        CASE WHEN is_inside AND version.is_reply = counted.is_reply THEN 1 END, observed_at, encode(receipt, 'hex')
    FROM version
    CROSS JOIN (VALUES ('post', false), ('reply', true)) AS counted (metric, is_reply)
    UNION ALL
    SELECT
        is_then, source, 'post', post_id, counter.account_id, NULL, '', '', counter.metric, counter.value,
        counter.observed_at, counter.receipt
    FROM moment
    CROSS JOIN LATERAL ({post_counters}) AS counter
    JOIN version USING (is_then, source, post_id)
    WHERE NOT is_reply
), paired AS (
    SELECT
        source, entity, entity_id, target_id, day, dimension, member, metric,
        max(value) FILTER (WHERE is_then) AS said, max(value) FILTER (WHERE NOT is_then) AS known,
        max(observed_at) FILTER (WHERE is_then) AS said_observed_at,
        max(observed_at) FILTER (WHERE NOT is_then) AS known_observed_at,
        max(receipt) FILTER (WHERE is_then) AS said_receipt, max(receipt) FILTER (WHERE NOT is_then) AS known_receipt
    FROM used
    GROUP BY source, entity, entity_id, target_id, day, dimension, member, metric
)
SELECT
    source, entity, entity_id, day, dimension, member, metric, said, known,
    CASE
        WHEN said_observed_at = known_observed_at OR EXISTS (
            SELECT FROM load
            WHERE client_id = :client_id AND load.source = paired.source AND load.recorded_at <= :then
                AND known_observed_at BETWEEN load.started_at AND load.observed_at
                AND (load.ref = target_id OR EXISTS (
                    SELECT FROM account
                    WHERE client_id = :client_id AND account.source = paired.source AND account_id = target_id
                        AND lower(ltrim(handle, '@')) = lower(ltrim(load.ref, '@'))
                ))
        ) THEN 'our fix'
        WHEN said_observed_at IS NULL OR known_observed_at <= :then THEN 'late data'
        ELSE 'platform revision'
    END AS why,
    said_observed_at, known_observed_at, said_receipt, known_receipt
FROM paired
-- the totals of a post that was moved away are told by the post itself
WHERE said IS DISTINCT FROM known AND known_observed_at IS NOT NULL
ORDER BY source, day, entity, entity_id, dimension, member, metric
