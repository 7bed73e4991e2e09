-- Rather give up than let loads and reports queue behind this transaction.
SELECT set_config('lock_timeout', '10s', true)
