-- How many observations there are, of one client or, if :client_id is NULL, of all: values of one metric of one thing
-- at one moment.
SELECT
    (SELECT count(*) FROM day_value WHERE client_id = :client_id OR CAST(:client_id AS text) IS NULL)
    + (
        SELECT count(*) FROM account CROSS JOIN LATERAL json_object_keys(counts)
        WHERE client_id = :client_id OR CAST(:client_id AS text) IS NULL
    ) + (
        SELECT count(*) FROM post CROSS JOIN LATERAL json_object_keys(counts)
        WHERE client_id = :client_id OR CAST(:client_id AS text) IS NULL
    )
