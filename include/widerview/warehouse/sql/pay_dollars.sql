-- Count what an answer has cost beyond what was set aside for it; less than nothing gives the rest back.
INSERT INTO api_usage (client_id, day, source, calls, dollars)
VALUES (:client_id, :day, :source, 0, :dollars)
ON CONFLICT (client_id, day, source) DO UPDATE SET dollars = api_usage.dollars + excluded.dollars
