-- A client's observations of accounts from before a moment, but for those that still tell something then: the profile
-- and each running total stay as they were known at that moment. An observation told nothing more once a later one,
-- also from before that moment, had told the same anew.
DELETE FROM account AS old
WHERE client_id = :client_id AND observed_at < :before AND recorded_at < :before
    AND (
        handle IS NULL
        OR EXISTS (
            SELECT FROM account AS later
            WHERE later.client_id = :client_id AND later.source = old.source AND later.account_id = old.account_id
                AND (later.observed_at, later.recorded_at) > (old.observed_at, old.recorded_at)
                AND later.observed_at < :before AND later.recorded_at < :before
                AND later.handle IS NOT NULL
        )
    )
    AND NOT EXISTS (
        SELECT FROM json_object_keys(old.counts) AS counted (metric)
        WHERE NOT EXISTS (
            SELECT FROM account AS later
            WHERE later.client_id = :client_id AND later.source = old.source AND later.account_id = old.account_id
                AND (later.observed_at, later.recorded_at) > (old.observed_at, old.recorded_at)
                AND later.observed_at < :before AND later.recorded_at < :before
                AND later.counts -> counted.metric IS NOT NULL
        )
    )
