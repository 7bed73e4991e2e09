-- A verdict on each day the morning after; of every tenth another the day after that, once all had arrived.
INSERT INTO verdict (client_id, day, source, ref, observed_at, recorded_at, colour, reasons)
SELECT
    client_id, day, source, ref, observed_at, recorded_at,
    CASE WHEN is_late AND ago = 0 THEN 'amber' ELSE 'green' END,
    CAST(CASE WHEN is_late AND ago = 0 THEN '["The day is not complete yet"]' ELSE '[]' END AS jsonb)
FROM load
CROSS JOIN (VALUES (0), (1)) AS revision (ago)
CROSS JOIN LATERAL (SELECT last_day - ago AS day) AS judged
CROSS JOIN LATERAL (SELECT abs(hashtext(client_id || ref) % 10) = (day - CAST(:first AS date)) % 10 AS is_late) AS late
WHERE (ago = 0 OR is_late) AND day >= :first
ORDER BY observed_at, client_id, source, ref, day
