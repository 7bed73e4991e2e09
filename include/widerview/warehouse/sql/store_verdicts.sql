-- The verdicts of a pull, unless they are known.
INSERT INTO verdict (client_id, day, source, ref, observed_at, recorded_at, colour, reasons, flaws)
SELECT
    CAST(:client_id AS text), new.day, CAST(:source AS text), CAST(:ref AS text), CAST(:observed_at AS timestamptz),
    CAST(:recorded_at AS timestamptz), new.colour, new.reasons, new.flaws
FROM jsonb_to_recordset(CAST(:verdicts AS jsonb)) AS new (day date, colour text, reasons jsonb, flaws jsonb)
LEFT JOIN LATERAL (
    SELECT colour, reasons, flaws
    FROM verdict
    WHERE client_id = :client_id AND day = new.day AND source = :source AND ref = :ref AND observed_at = :observed_at
    ORDER BY recorded_at DESC
    LIMIT 1
) AS known ON true
WHERE (new.colour, new.reasons, new.flaws) IS DISTINCT FROM (known.colour, known.reasons, known.flaws)
ON CONFLICT DO NOTHING
