-- The reports of a client, the newest first, without what they say.
SELECT
    client_id, period, revision, as_of, '' AS facts, decision, decided_by, decided_at, note, struck, reason
FROM report
WHERE client_id = :client_id
ORDER BY period DESC, revision DESC
