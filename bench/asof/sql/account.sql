-- An account's followers change every day, its posts every other; its profile four times a year.
INSERT INTO account (
    client_id, source, account_id, observed_at, recorded_at, handle, name, url, counts, receipt
)
SELECT
    client_id, source, entity_id, observed_at, recorded_at,
    CASE WHEN number % 90 = 0 THEN ref END,
    CASE WHEN number % 90 = 0 THEN format('%s, season %s', client_id, number / 90) END,
    CASE WHEN number % 90 = 0 THEN format('https://%s.example/%s', source, ref) END,
    CAST(format(
        CASE
            WHEN number = 0 THEN '{"followers":%1$s,"following":%3$s,"posts":%2$s}'
            WHEN number % 2 = 0 THEN '{"followers":%1$s,"posts":%2$s}'
            ELSE '{"followers":%1$s}'
        END,
        2000 + 3 * number, 400 + number / 2, 120
    ) AS json),
    digest
FROM load
JOIN asof.target USING (client_id, source, ref)
CROSS JOIN LATERAL (SELECT last_day - CAST(:first AS date) AS number) AS days
WHERE source <> 'matomo'
ORDER BY observed_at, client_id, source, entity_id
