-- Every table that holds rows of clients, with its columns that hold text of any kind, as expressions to search in.
-- Found in the database itself, so that no table can be left out by mistake. Of a partitioned table the whole.
SELECT
    relname AS name,
    json_object_agg(attname, format(CASE typname WHEN 'bytea' THEN 'encode(%I, ''escape'')' ELSE 'CAST(%I AS text)' END, attname))
        FILTER (WHERE typcategory IN ('S', 'U', 'A')) AS columns
FROM pg_class
JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped
JOIN pg_type ON pg_type.oid = atttypid
WHERE relnamespace = CAST('public' AS regnamespace) AND relkind IN ('r', 'p') AND NOT relispartition
GROUP BY relname
HAVING bool_or(attname = 'client_id')
ORDER BY relname
