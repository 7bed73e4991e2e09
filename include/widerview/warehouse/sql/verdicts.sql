-- The latest verdict, as of a moment, on each target and day of a range.
SELECT DISTINCT ON (day, source, ref)
    source, ref, day, colour, reasons, flaws, observed_at
FROM verdict
WHERE client_id = :client_id AND day BETWEEN :first_day AND :last_day AND recorded_at <= :as_of
ORDER BY day, source, ref, observed_at DESC, recorded_at DESC
