-- One row an account or site that is pulled: its last pull, how far it reaches, and the verdict on its latest day.
--
-- key: client_id, source, ref
--
-- client_id       text                      The client's id.
-- source          text                      The platform or web analytics.
-- ref             text                      The handle or site, as the client's file has it.
-- zone            text                      IANA time zone of its days.
-- pulled_at       timestamp with time zone  When the last pull had ended; pulls that failed are not in the warehouse.
-- age             interval                  How long ago that is, as of the moment of the marts.
-- pulls           bigint                    Pulls so far.
-- first_day       date                      First day that was asked for.
-- last_day        date                      Last day that was asked for.
-- days            bigint                    Days that were asked for, each counted once.
-- days_left_out   bigint                    Days between the first and the last that no pull asked for.
-- rows_parsed     integer                   Rows that the last pull gave.
-- rows_held       integer                   Rows and single numbers of it that are held in quarantine.
-- unavailable     jsonb                     Why the platform did not give a metric in the last pull, by metric.
-- replays_due     bigint                    Pulls to be loaded again, because an earlier one came after them.
-- judged_day      date                      Latest day with a verdict.
-- colour          text                      The verdict on it: green, amber or red.
-- reasons         jsonb                     What was late, missing or wrong with it.
-- last_green_day  date                      Latest day with a green verdict; NULL: none so far.
WITH target AS (
    SELECT
        client_id, source, ref COLLATE "C" AS ref,
        count(*) AS pulls, min(first_day) AS first_day, max(last_day) AS last_day,
        range_agg(daterange(first_day, last_day, '[]')) AS asked_for,
        count(*) FILTER (WHERE replay_due) AS replays_due
    FROM public.load
    WHERE recorded_at <= mart.as_of()
    GROUP BY client_id, source, ref COLLATE "C"
), last_pull AS (
    SELECT DISTINCT ON (client_id, source, ref COLLATE "C")
        client_id, source, ref COLLATE "C" AS ref, zone, observed_at, rows_parsed, rows_held, unavailable
    FROM public.load
    WHERE recorded_at <= mart.as_of()
    ORDER BY client_id, source, ref COLLATE "C", observed_at DESC, load_id DESC
), judged AS (
    SELECT DISTINCT ON (client_id, source, ref, day) client_id, source, ref, day, colour, reasons
    FROM public.verdict
    WHERE recorded_at <= mart.as_of()
    ORDER BY client_id, source, ref, day, observed_at DESC, recorded_at DESC
), verdict AS (
    SELECT DISTINCT ON (client_id, source, ref)
        client_id, source, ref, day, colour, reasons,
        max(day) FILTER (WHERE colour = 'green') OVER (PARTITION BY client_id, source, ref) AS last_green_day
    FROM judged
    ORDER BY client_id, source, ref, day DESC
), counted AS (
    SELECT
        *,
        (SELECT sum(upper(days) - lower(days)) FROM unnest(asked_for) AS without_gap (days)) AS days
    FROM target
)
SELECT
    client_id, source, ref, last_pull.zone, last_pull.observed_at AS pulled_at,
    least(mart.as_of(), now()) - last_pull.observed_at AS age,
    counted.pulls, counted.first_day, counted.last_day, counted.days,
    counted.last_day - counted.first_day + 1 - counted.days AS days_left_out,
    last_pull.rows_parsed, last_pull.rows_held, last_pull.unavailable, counted.replays_due,
    verdict.day AS judged_day, verdict.colour, verdict.reasons, verdict.last_green_day
FROM counted
JOIN last_pull USING (client_id, source, ref)
LEFT JOIN verdict USING (client_id, source, ref)
