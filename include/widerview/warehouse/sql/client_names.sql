-- The handles of a client's accounts, as the client file and the platforms write them, and the addresses of those who
-- got its reports. A website's number at the analytics is no name.
SELECT name
FROM (
    SELECT handle FROM account WHERE client_id = :client_id
    UNION SELECT ref FROM load WHERE client_id = :client_id
    UNION SELECT ref FROM verdict WHERE client_id = :client_id
    UNION SELECT recipient FROM outbox WHERE client_id = :client_id
) AS names (name)
WHERE name IS NOT NULL
ORDER BY name
