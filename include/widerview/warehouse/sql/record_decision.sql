-- The first decision stands.
UPDATE report
SET
    decision = :decision, decided_by = :decided_by, decided_at = :decided_at,
    note = :note, struck = :struck, reason = :reason
WHERE client_id = :client_id AND period = :period AND revision = :revision AND decision IS NULL
