-- The same report once more, as the period's next revision: approved by whom it was, with the same note, and without the
-- same sentence.
INSERT INTO report (
    client_id, period, revision, as_of, facts, decision, decided_by, decided_at, note, struck, reason, repeats
)
SELECT
    client_id, period, next.revision, as_of,
    jsonb_set(facts, CAST('{revision}' AS text[]), to_jsonb(next.revision)),
    'Approve', decided_by, decided_at, note, struck, :reason, report.revision
FROM report
CROSS JOIN (
    SELECT max(revision) + 1 AS revision FROM report WHERE client_id = :client_id AND period = :period
) AS next
WHERE client_id = :client_id AND period = :period AND report.revision = :revision AND decision = 'Approve'
RETURNING report.revision
