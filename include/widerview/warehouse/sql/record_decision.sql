-- The first decision stands; what goes with it (the note, the struck sentence) may be corrected until it is in the outbox.
UPDATE report
SET
    decision = :decision, decided_by = :decided_by, decided_at = :decided_at,
    note = :note, struck = :struck, reason = :reason
WHERE client_id = :client_id AND period = :period AND revision = :revision
    AND (
        decision IS NULL
        OR decision = :decision AND NOT EXISTS (
            SELECT FROM outbox WHERE client_id = :client_id AND period = :period AND revision = :revision
        )
    )
