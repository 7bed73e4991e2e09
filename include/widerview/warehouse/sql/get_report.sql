-- One revision of a period's report; the latest if :revision is NULL.
SELECT
    client_id, period, revision, as_of, CAST(facts AS text) AS facts, decision, decided_by, decided_at,
    note, struck, reason
FROM report
WHERE client_id = :client_id AND period = :period
    AND (revision = :revision OR CAST(:revision AS integer) IS NULL)
ORDER BY revision DESC
LIMIT 1
