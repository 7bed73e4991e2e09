-- Each metric of each account as it stood at a moment.
SELECT DISTINCT ON (source, account_id, metric)
    source, account_id, counted.metric, CAST(counted.value AS bigint) AS value,
    observed_at, encode(receipt, 'hex') AS receipt
FROM account
CROSS JOIN LATERAL json_each_text(counts) AS counted (metric, value)
WHERE client_id = :client_id AND observed_at <= :at AND recorded_at <= :as_of
ORDER BY source, account_id, metric, observed_at DESC, recorded_at DESC
