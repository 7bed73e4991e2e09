-- What a client has spent on a platform on a day, with what is set aside for answers that are on their way.
SELECT dollars FROM api_usage WHERE client_id = :client_id AND day = :day AND source = :source
