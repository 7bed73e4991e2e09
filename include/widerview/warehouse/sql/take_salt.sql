-- The client's salt, made when it is first asked for. Where two loads ask at once, the second takes the first's.
WITH known AS (
    SELECT salt FROM client_salt WHERE client_id = :client_id
), made AS (
    INSERT INTO client_salt (client_id, salt)
    SELECT :client_id, :salt WHERE NOT EXISTS (SELECT FROM known)
    ON CONFLICT (client_id) DO UPDATE SET salt = client_salt.salt
    RETURNING salt
)
SELECT salt FROM known UNION ALL SELECT salt FROM made
