-- The counts of a pull that is in the warehouse already, the moment it is recorded under, and the pull of the same
-- target that was made last, if that is another one.
SELECT
    same.rows_parsed, same.rows_held, same.rows_stored, same.replay_due, same.digest,
    coalesce(CAST(:recorded_at AS timestamptz), clock_timestamp()) AS recorded_at,
    NOT EXISTS (SELECT FROM load WHERE client_id = :client_id AND source = :source) AS is_first,
    newest.rows_parsed AS newest_parsed,
    coalesce(
        newest.digest = :digest AND newest.observed_at <= :started_at AND newest.rows_held = 0
            AND NOT newest.replay_due,
        false
    ) AS is_repeated
FROM (SELECT) AS always
LEFT JOIN load AS same ON same.client_id = :client_id AND same.load_id = :load_id
LEFT JOIN LATERAL (
    SELECT *
    FROM load
    WHERE client_id = :client_id AND source = :source AND ref = :ref AND load_id <> :load_id
    ORDER BY observed_at DESC
    LIMIT 1
) AS newest ON true
