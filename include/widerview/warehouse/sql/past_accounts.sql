-- The running totals of some accounts, each row that was observed of them before a moment, in that order.
SELECT account_id, counts
FROM account
WHERE client_id = :client_id AND source = :source AND account_id = ANY(:accounts) AND observed_at < :before
ORDER BY account_id, observed_at, recorded_at
