-- How many observations a client gets by one post on each of its accounts.
SELECT count(*) FROM asof.target JOIN asof.news USING (source) WHERE client_id = :client_id
