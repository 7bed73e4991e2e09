-- A client's pulls from before a moment, but the latest of each target: it says that the target is known, and its zone.
DELETE FROM load
WHERE client_id = :client_id AND observed_at < :before AND EXISTS (
    SELECT FROM load AS newer
    WHERE newer.client_id = :client_id AND newer.source = load.source AND newer.ref = load.ref
        AND newer.observed_at > load.observed_at
)
