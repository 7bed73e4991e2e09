-- The latest profile, as of a moment, of each account.
SELECT DISTINCT ON (source, account_id)
    source, account_id, handle, name, url, observed_at, encode(receipt, 'hex') AS receipt
FROM account
WHERE client_id = :client_id AND recorded_at <= :as_of AND handle IS NOT NULL
ORDER BY source, account_id, observed_at DESC, recorded_at DESC
