-- The newest revision that was composed after one of a period's report; one that repeats another was not.
SELECT max(revision) AS revision
FROM report
WHERE client_id = :client_id AND period = :period AND revision > :revision AND repeats IS NULL
