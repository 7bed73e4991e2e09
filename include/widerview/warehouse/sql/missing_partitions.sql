-- Of some partitions, those that are not there yet. Asked of the catalogue, which shows what others have committed
-- meanwhile; to_regclass would give what it had found before.
SELECT name
FROM unnest(CAST(:names AS text[])) AS wanted (name)
WHERE NOT EXISTS (
    SELECT FROM pg_class WHERE relname = CAST(name AS name) AND relnamespace = CAST('public' AS regnamespace)
)
ORDER BY name
