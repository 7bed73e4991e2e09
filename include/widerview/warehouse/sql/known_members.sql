-- The members that were known, by a moment, of the splits of some days of a client's websites.
SELECT DISTINCT day, entity_id, dimension, member, metric
FROM day_value
WHERE client_id = :client_id AND source = :source AND day = ANY(CAST(:days AS date[]))
    AND entity = 'site' AND dimension <> 'total' AND observed_at < :until
