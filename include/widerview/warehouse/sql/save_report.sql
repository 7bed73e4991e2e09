-- The next revision of a period's report, with its number written into the facts; unless the latest revision, not
-- rejected, says the very same: then that one.
WITH latest AS (
    SELECT revision, as_of, facts, decision
    FROM report
    WHERE client_id = :client_id AND period = :period
    ORDER BY revision DESC
    LIMIT 1
), same AS (
    SELECT revision
    FROM latest
    WHERE as_of = :as_of AND decision IS DISTINCT FROM 'Reject'
        AND facts - 'revision' = CAST(:facts AS jsonb) - 'revision'
), numbered AS (
    SELECT coalesce(max(revision), 0) + 1 AS revision FROM latest
), saved AS (
    INSERT INTO report (client_id, period, revision, as_of, facts)
    SELECT
        :client_id, :period, revision, :as_of,
        jsonb_set(CAST(:facts AS jsonb), CAST('{revision}' AS text[]), to_jsonb(revision))
    FROM numbered
    WHERE NOT EXISTS (SELECT FROM same)
    RETURNING revision
)
SELECT revision FROM same UNION ALL SELECT revision FROM saved
