-- The days of one month of all sites, each read the morning after; every other day its visits are revised by the next.
INSERT INTO day_value (
    client_id, day, source, entity, entity_id, dimension, member, metric, observed_at, recorded_at, zone, value, receipt
)
SELECT
    client_id, day, source, 'site', ref, dimension, member, metric, observed_at, recorded_at, zone,
    round((visits + ago) * member.share * day_metric.share), digest
FROM load
CROSS JOIN (VALUES (0), (1)) AS revision (ago)
CROSS JOIN LATERAL (
    SELECT
        last_day - ago AS day,
        300 + 40 * cos(extract(isodow FROM last_day - ago)) + abs(hashtext(client_id || ref || (last_day - ago)) % 40)
            AS visits
) AS told
JOIN asof.member ON (day - CAST(:first AS date)) % every_days = 0 AND day >= coalesce(starts, day)
JOIN asof.day_metric ON dimension = 'total' OR NOT total_only
WHERE source = 'matomo' AND day >= :month AND day < :next_month AND day BETWEEN :first AND :last
    AND (ago = 0 OR (metric = 'visits' AND dimension IN ('total', 'channel') AND (day - CAST(:first AS date)) % 2 = 0))
ORDER BY observed_at, client_id, ref, dimension, member, metric
