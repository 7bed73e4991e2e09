-- What is known of the shape of a target's answers, unless it was learnt after a moment.
SELECT stream, shape
FROM answer_shape
WHERE client_id = :client_id AND source = :source AND ref = :ref AND observed_at < :before
ORDER BY stream
