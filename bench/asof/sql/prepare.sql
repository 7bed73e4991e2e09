-- What the benchmark's own rows are made from: the things to pull, and what there is to tell of each.
CREATE SCHEMA asof;

CREATE TABLE asof.target (
    client_id text COLLATE "C", source text COLLATE "C", ref text COLLATE "C", entity_id text COLLATE "C",
    zone text, lookback_days integer
);

-- The members of a site's dimensions: their share of all visits, on every how many days they have any, and until when
-- back they are known (NULL: always).
CREATE TABLE asof.member (
    dimension text COLLATE "C", member text COLLATE "C", share double precision, every_days integer, starts date
);

-- What is told of each member: as a share of its visits.
CREATE TABLE asof.day_metric (metric text COLLATE "C", share double precision, total_only boolean);

INSERT INTO asof.day_metric
VALUES ('visits', 1, false), ('actions', 3, false), ('bounces', 0.4, false), ('converted_visits', 0.05, false),
    ('unique_visitors', 0.9, true);

-- Which running totals of a post are new how many days after it was published: many at first, few later.
CREATE TABLE asof.news AS
SELECT source, age, metric
FROM (VALUES
    ('likes', ARRAY[0, 1, 2, 3, 4, 5, 6, 9, 12, 15, 18, 21, 24, 27]),
    ('reposts', ARRAY[0, 1, 3, 5, 9, 15]),
    ('replies', ARRAY[0, 1, 3, 9]),
    ('quotes', ARRAY[0, 3]),
    ('bookmarks', ARRAY[0, 2])
) AS told (metric, ages)
CROSS JOIN (VALUES ('bluesky'), ('mastodon')) AS platform (source)
CROSS JOIN unnest(ages) AS age
WHERE source = 'bluesky' OR metric <> 'bookmarks';
