-- How a metric of a client's sources has gone on growing after the end of its days.
SELECT source, entity_id, metric, lag, share, days
FROM ({completion}) AS completion
WHERE client_id = :client_id AND metric = :metric
ORDER BY source, entity_id, lag
