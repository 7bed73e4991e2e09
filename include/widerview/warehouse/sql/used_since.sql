-- What was spent from a day on, by day, client and platform.
SELECT day, client_id, source, calls, dollars
FROM api_usage
WHERE day >= :first
ORDER BY day DESC, client_id, source
