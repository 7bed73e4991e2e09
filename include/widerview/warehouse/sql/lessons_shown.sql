-- The last period before :before in whose approved report each card of education stood, as known at :as_of.
SELECT facts -> 'lesson' ->> 'id' AS card, max(period) AS period
FROM report
WHERE client_id = :client_id AND period < :before AND decision = 'Approve' AND decided_at <= :as_of
    AND facts -> 'lesson' ->> 'id' <> ''
GROUP BY card
