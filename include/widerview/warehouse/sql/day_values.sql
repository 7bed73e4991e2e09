-- One metric, split by one dimension, for each day of a range: the latest revision as of a moment.
SELECT DISTINCT ON (day, source, entity_id, member)
    source, entity_id, day, member, value, observed_at, encode(receipt, 'hex') AS receipt
FROM day_value
WHERE client_id = :client_id AND day BETWEEN :first_day AND :last_day
    AND dimension = :dimension AND metric = :metric AND recorded_at <= :as_of
ORDER BY day, source, entity_id, member, observed_at DESC, recorded_at DESC
