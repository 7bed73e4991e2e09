-- The values of days as they were last observed before a moment, the members of a dimension added up. What people
-- searched for and the pages they came to are left out: these are samples, and many. So are files in a folder, which
-- people save when they have something to tell.
SELECT entity_id, dimension, metric, day, sum(value) AS value, max(observed_at) AS observed_at
FROM (
    SELECT DISTINCT ON (day, entity, entity_id, dimension, member, metric)
        day, entity_id, dimension, member, metric, value, observed_at
    FROM day_value
    WHERE client_id = :client_id AND source = :source AND day BETWEEN :first_day AND :last_day
        AND entity <> 'folder' AND entity_id = ANY(:entities)
        AND dimension IN ('total', 'channel', 'campaign', 'touchpoint', 'network')
        AND observed_at < :before
    ORDER BY day, entity, entity_id, dimension, member, metric, observed_at DESC, recorded_at DESC
) AS latest
WHERE value IS NOT NULL
GROUP BY entity_id, dimension, metric, day
ORDER BY entity_id, dimension, metric, day
