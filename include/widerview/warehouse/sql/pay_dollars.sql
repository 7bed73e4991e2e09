-- Count what an answer has cost.
INSERT INTO api_usage (client_id, day, source, calls, dollars)
VALUES (:client_id, :day, :source, 0, :dollars)
ON CONFLICT (client_id, day, source) DO UPDATE SET dollars = api_usage.dollars + excluded.dollars
