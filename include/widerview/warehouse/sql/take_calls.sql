-- Set some calls aside, and the most that the next may cost, if so much is left of the day; no row: it is not.
INSERT INTO api_usage (client_id, day, source, calls, dollars)
SELECT :client_id, :day, :source, :calls, :dollars
WHERE :calls <= :most
    AND (CAST(:most_dollars AS numeric) IS NULL OR (:most_dollars > 0 AND :dollars <= :most_dollars))
ON CONFLICT (client_id, day, source) DO UPDATE
SET calls = api_usage.calls + excluded.calls, dollars = api_usage.dollars + excluded.dollars
WHERE api_usage.calls + excluded.calls <= :most
    AND (
        CAST(:most_dollars AS numeric) IS NULL
        OR (api_usage.dollars < :most_dollars AND api_usage.dollars + excluded.dollars <= :most_dollars)
    )
