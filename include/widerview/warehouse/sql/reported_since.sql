-- Whether a report of the client speaks as of a moment or later.
SELECT EXISTS (SELECT FROM report WHERE client_id = :client_id AND as_of >= :moment)
