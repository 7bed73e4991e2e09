-- The verdicts of a pull that failed, on the days that nothing has been said of yet.
INSERT INTO verdict (client_id, day, source, ref, observed_at, recorded_at, colour, reasons, flaws)
SELECT
    CAST(:client_id AS text), new.day, CAST(:source AS text), CAST(:ref AS text), CAST(:observed_at AS timestamptz),
    coalesce(CAST(:recorded_at AS timestamptz), clock_timestamp()), new.colour, new.reasons, new.flaws
FROM jsonb_to_recordset(CAST(:verdicts AS jsonb)) AS new (day date, colour text, reasons jsonb, flaws jsonb)
WHERE NOT EXISTS (
    SELECT FROM verdict
    WHERE client_id = :client_id AND day = new.day AND source = :source AND ref = :ref
)
ON CONFLICT DO NOTHING
