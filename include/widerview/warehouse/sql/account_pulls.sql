-- The pulls of the client's accounts that ended after a moment: which account (NULL: not known by that name yet), and
-- which days.
WITH named AS (
    -- how a pull may name an account: by a handle it has or had, or by its own id
    SELECT source, account_id, lower(ltrim(handle, '@')) AS name
    FROM account
    WHERE client_id = :client_id AND handle IS NOT NULL AND recorded_at <= :as_of
    UNION
    SELECT source, account_id, lower(account_id)
    FROM account
    WHERE client_id = :client_id AND recorded_at <= :as_of
)
SELECT load.source, load.ref, named.account_id, load.zone, load.first_day, load.last_day, load.started_at
FROM load
LEFT JOIN named ON named.source = load.source AND named.name = lower(ltrim(load.ref, '@'))
WHERE load.client_id = :client_id AND load.observed_at > :after AND load.recorded_at <= :as_of
ORDER BY load.source, load.ref, load.started_at, load.load_id
