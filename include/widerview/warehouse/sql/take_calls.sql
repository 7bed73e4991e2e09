-- Set some calls aside, if so many are left and the day's money is not spent; no row: they are not.
INSERT INTO api_usage (client_id, day, source, calls, dollars)
SELECT :client_id, :day, :source, :calls, 0
WHERE :calls <= :most AND (CAST(:most_dollars AS numeric) IS NULL OR :most_dollars > 0)
ON CONFLICT (client_id, day, source) DO UPDATE SET calls = api_usage.calls + excluded.calls
WHERE api_usage.calls + excluded.calls <= :most
    AND (CAST(:most_dollars AS numeric) IS NULL OR api_usage.dollars < :most_dollars)
