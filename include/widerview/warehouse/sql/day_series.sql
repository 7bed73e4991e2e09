-- Every series of days of a client as of a moment, the latest revision of each day: totals of accounts and websites, and
-- visits by channel.
SELECT
    source, entity, entity_id, dimension, member, metric,
    array_agg(day ORDER BY day) AS days, array_agg(value ORDER BY day) AS counts
FROM (
    SELECT DISTINCT ON (day, source, entity, entity_id, dimension, member, metric)
        day, source, entity, entity_id, dimension, member, metric, value
    FROM day_value
    WHERE client_id = :client_id AND day BETWEEN :first_day AND :last_day AND recorded_at <= :as_of
        AND (dimension = 'total' OR dimension = 'channel' AND metric = 'visits')
    ORDER BY
        day, source, entity, entity_id, dimension, member, metric, observed_at DESC, recorded_at DESC
) AS latest
GROUP BY source, entity, entity_id, dimension, member, metric
ORDER BY source, entity, entity_id, dimension, member, metric
