-- How much of its final value a day has reached so many days after its end, as a source has shown so far: one row a
-- metric of an account or site, and lag. Learnt from the newest 90 days that ended two weeks ago or earlier.
--
-- key: client_id, source, entity_id, metric, lag
--
-- client_id  text              The client's id.
-- source     text              The platform or web analytics.
-- entity_id  text              The account or site there.
-- metric     text              Canonical metric.
-- lag        integer           Whole days since the day's end: 0 is the first day after it.
-- share      double precision  What was known by then, as a share of the final value; the median over the days.
-- days       bigint            From how many days it is learnt.
WITH observed AS (
    SELECT
        client_id, source, entity_id, metric, value, observed_at,
        CAST(day + 1 AS timestamp) AT TIME ZONE zone AS ended_at,
        lead(observed_at) OVER same_day AS changed_at,
        last_value(value) OVER (same_day ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS final,
        dense_rank() OVER (PARTITION BY client_id, source, entity, entity_id, metric ORDER BY day DESC) AS place
    FROM public.day_value
    WHERE dimension = 'total' AND value IS NOT NULL AND recorded_at <= mart.as_of()
        AND CAST(day + 15 AS timestamp) AT TIME ZONE zone <= least(mart.as_of(), now())
    WINDOW same_day AS (
        PARTITION BY client_id, source, entity, entity_id, metric, day, zone ORDER BY observed_at, recorded_at
    )
)
SELECT
    client_id, source, entity_id, metric, lag,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY value / final) AS share, count(*) AS days
FROM observed
JOIN generate_series(0, 6) AS lags (lag)
    ON observed_at < ended_at + make_interval(days => lag + 1)
    AND coalesce(changed_at >= ended_at + make_interval(days => lag + 1), true)
WHERE final > 0 AND place <= 90
GROUP BY client_id, source, entity_id, metric, lag
