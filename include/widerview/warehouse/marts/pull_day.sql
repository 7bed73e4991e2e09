-- One row an account and day on which it was pulled.
-- A pull reads all that lies between the first day it asks for and the moment it is made.
--
-- key: client_id, source, account_id, day
--
-- client_id   text    The client's id.
-- source      text    The platform.
-- account_id  text    The platform's own id of the account.
-- day         date    The day.
-- first_day   date    First day that was asked for; of several pulls the earliest.
-- pulls       bigint  How many pulls there were on the day.
WITH named AS (
    -- how a pull may name an account: by a handle it has or had, or by its own id
    SELECT client_id, source, account_id, lower(ltrim(handle, '@')) AS name
    FROM public.account
    WHERE handle IS NOT NULL AND recorded_at <= mart.as_of()
    UNION
    SELECT client_id, source, account_id, lower(account_id)
    FROM public.account
    WHERE recorded_at <= mart.as_of()
), pull AS (
    SELECT
        client_id, source, CAST(observed_at AT TIME ZONE clock.zone AS date) AS day, first_day,
        lower(ltrim(ref, '@')) AS name
    FROM public.load
    JOIN mart.zone AS clock USING (client_id, source)
    WHERE recorded_at <= mart.as_of()
)
SELECT client_id, source, account_id, day, min(first_day) AS first_day, count(*) AS pulls
FROM pull
JOIN named USING (client_id, source, name)
GROUP BY client_id, source, account_id, day
