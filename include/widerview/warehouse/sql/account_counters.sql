-- Each metric of each account as it stood at a moment.
SELECT account.source, account.account_id, stood.metric, stood.value, stood.observed_at, stood.receipt
FROM (
    SELECT DISTINCT source, account_id FROM account WHERE client_id = :client_id AND observed_at <= :as_of
) AS account
CROSS JOIN LATERAL (
    SELECT DISTINCT ON (metric) metric, value, observed_at, encode(receipt, 'hex') AS receipt
    FROM counter
    WHERE client_id = :client_id AND source = account.source AND entity = 'account'
        AND entity_id = account.account_id AND observed_at <= least(CAST(:at AS timestamptz), :as_of)
    ORDER BY metric, observed_at DESC
) AS stood
ORDER BY account.source, account.account_id, stood.metric
