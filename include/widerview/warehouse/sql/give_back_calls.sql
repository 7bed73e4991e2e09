-- Give back calls that were set aside and not made.
UPDATE api_usage SET calls = calls - :calls
WHERE client_id = :client_id AND day = :day AND source = :source
