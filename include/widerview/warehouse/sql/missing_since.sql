-- Since when pulls of an account have come without a metric; NULL: the last one had it, or there was none.
SELECT min(observed_at) AS since
FROM load
WHERE client_id = :client_id AND source = :source AND ref = :ref AND jsonb_exists(unavailable, :metric)
    AND observed_at > coalesce(
        (
            SELECT max(observed_at)
            FROM load
            WHERE client_id = :client_id AND source = :source AND ref = :ref
                AND NOT jsonb_exists(unavailable, :metric)
        ),
        '-infinity'
    )
