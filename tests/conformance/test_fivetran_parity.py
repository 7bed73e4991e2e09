"""Parity with an independent implementation: a public dbt package's rollup of posts, run on PostgreSQL.

Its source tables are read as observations (`fivetran_seeds`), loaded as the pulls they came with, and asked for one
row a post as of the end. Where the package's rollup is wrong or loses something, a flaw below says what, why ours is
the true one, and in which rows exactly. Our rows with those flaws put in are its 1,937 rows, to the last number.
What a flaw needs that no row of ours holds (the title of a linked article, a number's parts by placement) it reads in
the raw answer that the row's receipt names.
"""

import datetime as dt
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple

import pytest
from fivetran_seeds import CLIENT, Native, Seeds, load_seeds, moment, read_table
from sqlalchemy import Engine, func, select, text

from databases import temporary_database
from widerview.vocabulary.metrics import METRICS
from widerview.warehouse.database import client_snapshot, connect
from widerview.warehouse.migrate import migrate
from widerview.warehouse.read import accounts, post_counters, posts
from widerview.warehouse.tables import quarantine

END = dt.datetime(2026, 12, 1, tzinfo=dt.UTC)
YEAR = (dt.datetime(2026, 1, 1, tzinfo=dt.UTC), END)

# One row a post: its latest content, the latest value of each metric, and the name its account has now.
POSTS = text("""
WITH page AS (
    SELECT DISTINCT ON (source, account_id) source, account_id, name
    FROM account
    WHERE client_id = :client_id AND recorded_at <= :as_of AND name IS NOT NULL
    ORDER BY source, account_id, observed_at DESC, recorded_at DESC
), content AS (
    SELECT DISTINCT ON (source, post_id) source, post_id, account_id, published_at, text, permalink, receipt
    FROM post
    WHERE client_id = :client_id AND recorded_at <= :as_of AND kind IS NOT NULL
    ORDER BY source, post_id, observed_at DESC, recorded_at DESC
), counted AS (
    SELECT DISTINCT ON (source, post_id, metric)
        source, post_id, metric, CAST(value AS bigint) AS value, observed_at, receipt
    FROM post
    CROSS JOIN LATERAL json_each_text(counts) AS counted (metric, value)
    WHERE client_id = :client_id AND recorded_at <= :as_of
    ORDER BY source, post_id, metric, observed_at DESC, recorded_at DESC
), totals AS (
    SELECT
        source, post_id,
        max(value) FILTER (WHERE metric = 'clicks') AS clicks,
        max(value) FILTER (WHERE metric = 'impressions') AS impressions,
        max(value) FILTER (WHERE metric = 'views') AS views,
        max(value) FILTER (WHERE metric = 'likes') AS likes,
        max(value) FILTER (WHERE metric IN ('shares', 'reposts')) AS shares,
        max(value) FILTER (WHERE metric = 'replies') AS comments,
        (array_agg(receipt ORDER BY observed_at DESC))[1] AS counts_receipt
    FROM counted
    GROUP BY source, post_id
)
SELECT
    source AS platform,
    -- of a LinkedIn URN the rollup keeps the number only
    regexp_replace(post_id, '^urn:li:\\w+:', '') AS post_id,
    published_at AS created_timestamp, text AS post_message, permalink AS post_url,
    account_id AS page_id, page.name AS page_name,
    clicks, impressions, views, likes, shares, comments,
    encode(content.receipt, 'hex') AS content_receipt, encode(counts_receipt, 'hex') AS counts_receipt
FROM content
LEFT JOIN totals USING (source, post_id)
LEFT JOIN page USING (source, account_id)
""")

# Totals of posts that are in no listing: they are in quarantine, each snapshot of them.
HELD = text("""
SELECT DISTINCT ON (post_id) held."row" ->> 'post_id' AS post_id, held."row" -> 'counts' AS counts
FROM quarantine AS held, jsonb_to_record(held."row") AS seen (post_id text, observed_at timestamptz)
WHERE client_id = :client_id AND recorded_at <= :as_of
ORDER BY post_id, observed_at DESC
""")

COLUMNS = (
    "platform", "post_id", "created_timestamp", "post_message", "post_url", "page_id", "page_name",
    "clicks", "impressions", "likes", "shares", "comments",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Post:
    """A row of the rollup; one of ours has its views, too, and the answers that it was read from."""

    platform: str
    post_id: str | None = None
    created_timestamp: dt.datetime | None = None
    post_message: str | None = None
    post_url: str | None = None
    page_id: str | None = None
    page_name: str | None = None
    clicks: int | None = None
    impressions: int | None = None
    likes: int | None = None
    shares: int | None = None
    comments: int | None = None
    views: int | None = None
    content: Native | None = None
    insights: Native | None = None

    @property
    def number(self) -> int:
        """Each platform's posts are numbered from 0 to 399, which decides what the seeds tell of them."""
        return int(re.search(r"\d{1,3}$", self.post_id)[0])

    @property
    def rolled(self) -> tuple[object, ...]:
        return tuple(getattr(self, column) for column in COLUMNS)


class Flaw(NamedTuple):
    """Something the rollup has wrong or loses; the docstring of `put_in` says what, and why ours is true.

    Attributes:
        platform: Where.
        rows: How many rows it spoils.
        spoils: Which rows these are, by the numbers of the posts.
        put_in: Makes the rollup's row of ours; None of a post it loses.
    """

    platform: str
    rows: int
    spoils: Callable[[int], bool]
    put_in: Callable[[Post], Post | None]


FLAWS: list[Flaw] = []

WORDLESS = {
    "facebook": {10, 11, 38, 65, 76, 93, 104, 147, 175, 202, 203, 230, 240, 257, 268, 285, 296, 339, 366, 367, 394},
    "instagram": {11, 38, 92, 93, 147, 148, 202, 203, 240, 257, 284, 295, 312, 339, 350, 366, 367, 394},
    "linkedin": {10, 11, 38, 65, 92, 147, 148, 175, 186, 202, 203, 230, 257, 284, 339, 367, 378, 394},
    "twitter": {21, 22, 49, 76, 103, 104, 131, 158, 159, 186, 213, 240, 241, 268, 295, 296, 323, 350, 377, 378},
}
"""Posts that came with no text at all, where others came with an empty one."""


def flaw(platform: str, *, rows: int, spoils: Callable[[int], bool]):
    def register(put_in: Callable[[Post], Post | None]):
        FLAWS.append(Flaw(platform, rows, spoils, put_in))
        return put_in

    return register


def zeroed(post: Post, *columns: str) -> Post:
    return replace(post, **{column: 0 for column in columns if getattr(post, column) is None})


@flaw("facebook", rows=24, spoils=lambda n: n % 17 == 0)
def posts_without_metrics_vanish(post):
    """The rollup starts from the metrics. A post was published, whether or not its numbers have come."""
    return post if post.insights else None


@flaw("facebook", rows=16, spoils=lambda n: n % 23 == 0)
def facebook_unknown_is_zero(post):
    """Nobody said that nobody liked it: the platform gave no number, so ours is NULL."""
    return zeroed(post, "clicks", "impressions", "likes")


@flaw("instagram", rows=185, spoils=lambda n: n % 2 == 1 and n % 13 > 0)
def carousels_and_reels_are_not_viewed(post):
    """Half of the posts are carousels and reels. Their views are views as those of a photo; the rollup drops them."""
    if not post.insights:
        return post
    dropped = [post.insights[f"{placement}_views"] for placement in ("carousel_album", "reel")]
    left = post.views - sum(int(cell or 0) for cell in dropped) if post.views is not None else None
    return replace(post, views=left or None)


@flaw("instagram", rows=172, spoils=lambda n: (n % 5 == 0 or (n % 2 == 0 and n % 3 > 0)) and n % 13 > 0)
def views_are_called_impressions(post):
    """Where there are views, they stand in the column of impressions, and the impressions are lost.

    The platform counts a view each time a post is played or shown again; it never said that the two are one number.
    A series of them jumps on the day the platform began to tell views, without any post being seen more often.
    """
    return replace(post, impressions=post.views) if post.views is not None else post


@flaw("instagram", rows=12, spoils=lambda n: n % 30 == 0 and n % 13 > 0)
def impressions_are_added_to_views(post):
    """A story with views and a photo with impressions only are added up: a sum of two different things."""
    if not post.insights or post.views is None or post.insights["video_photo_views"]:
        return post
    return replace(post, impressions=post.views + int(post.insights["video_photo_impressions"] or 0))


@flaw("instagram", rows=191, spoils=lambda n: n % 13 == 0 or n % 19 == 0 or (n % 2 == 1 and n % 5 > 0))
def instagram_unknown_is_zero(post):
    """No insights, comments that were not told, impressions that carousels and reels do not have: none is a zero."""
    return zeroed(post, "impressions", "likes", "comments")


@flaw("linkedin", rows=67, spoils=lambda n: n % 12 in {0, 9})
def titles_replace_words(post):
    """What the client wrote gives way to the title of the article or picture that the post shows."""
    title = post.content.get("article_title") or post.content.get("media_title")
    return replace(post, post_message=title) if title else post


@flaw("linkedin", rows=49, spoils=lambda n: n % 11 == 0 or n % 29 == 0)
def linkedin_unknown_is_zero(post):
    """Posts without statistics, and likes that were not told, are not posts that nobody saw or liked."""
    return zeroed(post, "clicks", "impressions", "likes", "shares", "comments")


@flaw("twitter", rows=56, spoils=lambda n: n % 9 == 0 or n % 31 == 0)
def twitter_unknown_is_zero(post):
    """No day's report has come of these posts, or none with likes; that is not a report of zeros."""
    return zeroed(post, "clicks", "impressions", "likes", "shares", "comments")


@flaw("youtube", rows=40, spoils=lambda n: n % 10 == 0)
def videos_without_reports_vanish(post):
    """The rollup starts from the daily reports. A video was published, whether or not a report of it has come."""
    return post if post.insights else None


@flaw("youtube", rows=360, spoils=lambda n: True)
def views_are_called_clicks(post):
    """A view of a video is no click on a post: added to other platforms' clicks it makes a number of nothing."""
    return replace(post, clicks=post.views)


@flaw("youtube", rows=360, spoils=lambda n: True)
def titles_of_videos_are_lost(post):
    """A video has a title and a description. The rollup keeps the description; ours has both."""
    return replace(post, post_message=post.content["snippet_description"])


@flaw("youtube", rows=360, spoils=lambda n: True)
def pictures_replace_videos(post):
    """The link leads to the preview picture; ours leads to the video."""
    return replace(post, post_url=json.loads(post.content["snippet_thumbnails"])["default"]["url"])


def wordless_is_null(post):
    """Here the rollup tells more: NULL where no text came, "" where an empty one did. To us both have no words.

    Which of the two it was stands in the raw answer that the receipt names.
    """
    column = {"facebook": "message", "instagram": "caption", "linkedin": "commentary", "twitter": "full_text"}
    absent = not post.post_message and post.content[column[post.platform]] is None
    return replace(post, post_message=None) if absent else post


for source, numbers in WORDLESS.items():
    FLAWS.append(Flaw(source, len(numbers), numbers.__contains__, wordless_is_null))


class House(NamedTuple):
    """The loaded warehouse, and the two sides to compare: by platform, our posts by number; and the rollup's rows."""

    engine: Engine
    ours: dict[str, dict[int, Post]]
    rollup: list[Post]


@pytest.fixture(scope="module")
def house(postgres, shared) -> Iterator[House]:
    folder = shared / "reference" / "fivetran"
    if not folder.is_dir():
        pytest.skip(f"no output of another implementation in {folder}")
    with temporary_database(postgres) as url:
        engine = connect(url.render_as_string(hide_password=False))
        migrate(engine)
        seeds = Seeds(engine, folder / "rich_seeds")
        load_seeds(engine, seeds.rows())
        rollup = read_table(engine, folder / "rich_output" / "social_media_reporting__rollup_report.csv")
        yield House(engine, read_ours(engine, seeds), [as_rolled(row) for row in rollup])
        engine.dispose()


def read_ours(engine: Engine, seeds: Seeds) -> dict[str, dict[int, Post]]:
    ours = {}
    with engine.connect() as connection:
        for row in connection.execute(POSTS, {"client_id": CLIENT, "as_of": END}).mappings():
            cells = dict(row)
            content, insights = cells.pop("content_receipt"), cells.pop("counts_receipt")
            post = Post(**cells, content=seeds.answers[content], insights=seeds.answers.get(insights))
            numbered = ours.setdefault(post.platform, {})
            assert post.number not in numbered
            numbered[post.number] = post
    return ours


def as_rolled(row: Native) -> Post:
    cells = {column: row[column] for column in COLUMNS}
    for column in COLUMNS[-5:]:
        cells[column] = cells[column] and int(cells[column])
    return Post(**cells | {"created_timestamp": cells["created_timestamp"] and moment(cells["created_timestamp"])})


def with_flaws(house: House, platform: str) -> Iterator[tuple[Flaw, dict[int, Post], dict[int, Post | None]]]:
    """Put a platform's flaws in, one after the other: our rows before and after each."""
    rows = house.ours[platform]
    for each in FLAWS:
        if each.platform == platform:
            spoiled = {number: each.put_in(row) for number, row in rows.items()}
            yield each, rows, spoiled
            rows = {number: row for number, row in spoiled.items() if row}


def held_together(house: House) -> Post:
    """What the rollup makes of the totals of posts it does not know: one post of no id, with all their numbers."""
    with house.engine.connect() as connection:
        held = [row.counts for row in connection.execute(HELD, {"client_id": CLIENT, "as_of": END})]
    sums = {column: sum(counts[column] for counts in held) for column in ("clicks", "impressions", "likes")}
    return Post(platform="facebook", **sums)


PLATFORMS = ("facebook", "instagram", "linkedin", "twitter", "youtube")


def test_every_post_is_kept(house):
    assert {platform: sorted(rows) for platform, rows in house.ours.items()} == {
        platform: [*range(400)] for platform in PLATFORMS
    }
    assert Counter(row.platform for row in house.rollup if row.post_id) == {
        "facebook": 376, "instagram": 400, "linkedin": 400, "twitter": 400, "youtube": 360,
    }  # fmt: skip


def test_where_nothing_is_wrong_the_two_are_the_same(house):
    """988 rows are the same in every column; in the others the columns that differ are these, and no other."""
    pairs = [(house.ours[row.platform][row.number], row) for row in house.rollup if row.post_id]
    same = Counter(row.platform for ours, row in pairs if ours.rolled == row.rolled)
    assert same == {"facebook": 340, "instagram": 45, "linkedin": 277, "twitter": 326}
    differ = Counter(
        (row.platform, column)
        for ours, row in pairs
        for column in COLUMNS
        if getattr(ours, column) != getattr(row, column)
    )
    assert differ == {
        ("facebook", "post_message"): 21, ("facebook", "likes"): 16,
        ("instagram", "post_message"): 18, ("instagram", "impressions"): 351, ("instagram", "likes"): 31,
        ("instagram", "comments"): 51,
        ("linkedin", "post_message"): 85, ("linkedin", "clicks"): 37, ("linkedin", "impressions"): 37,
        ("linkedin", "likes"): 49, ("linkedin", "shares"): 37, ("linkedin", "comments"): 37,
        ("twitter", "post_message"): 20, ("twitter", "clicks"): 45, ("twitter", "impressions"): 45,
        ("twitter", "likes"): 56, ("twitter", "shares"): 45, ("twitter", "comments"): 45,
        ("youtube", "post_message"): 360, ("youtube", "post_url"): 360, ("youtube", "clicks"): 360,
    }  # fmt: skip


@pytest.mark.parametrize("platform", PLATFORMS)
def test_each_flaw_spoils_exactly_its_rows(house, platform):
    for each, before, after in with_flaws(house, platform):
        spoiled = {number for number in before if after[number] != before[number]}
        assert spoiled == {number for number in before if each.spoils(number)}, each.put_in.__name__
        assert len(spoiled) == each.rows, each.put_in.__name__


def test_with_its_flaws_ours_is_the_rollup(house):
    rows = [held_together(house).rolled]
    for platform in PLATFORMS:
        *_, (_, _, spoiled) = with_flaws(house, platform)
        rows += [row.rolled for row in spoiled.values() if row]
    assert len(rows) == 1937
    assert Counter(rows) == Counter(row.rolled for row in house.rollup)


def test_totals_without_a_post_are_held_apart(house):
    """The rollup adds eight unknown posts up to one. Ours keeps each snapshot of each, out of every number."""
    [lost] = [row for row in house.rollup if row.post_id is None]
    assert (lost.clicks, lost.impressions, lost.likes) == (2080, 189580, 2832)
    assert held_together(house) == lost
    with house.engine.connect() as connection:
        held = connection.execute(HELD, {"client_id": CLIENT, "as_of": END}).all()
        snapshots = connection.scalar(select(func.count()).select_from(quarantine))
    assert {row.post_id: row.counts["clicks"] for row in held} == {
        "900000_5000400": 114, "900001_5000401": 111, "900002_5000402": 488, "900003_5000403": 485,
        "900004_5000404": 345, "900000_5000405": 222, "900001_5000406": 219, "900002_5000407": 96,
    }  # fmt: skip
    assert snapshots == 8 * 3


def evening(day: int) -> dt.datetime:
    """The end of a day of October, with the day's snapshots and reports."""
    return dt.datetime(2026, 10, day, tzinfo=dt.UTC) + dt.timedelta(days=1)


def night(hours: float, day: int = 1) -> dt.datetime:
    """Some hours into a day of October."""
    return dt.datetime(2026, 10, day, tzinfo=dt.UTC) + dt.timedelta(hours=hours)


def sums(house: House, source: str, as_of: dt.datetime) -> dict[str, int]:
    """Every flow of a platform's posts, added up, as it was known at a moment."""
    with client_snapshot(house.engine, CLIENT) as connection:
        counters = post_counters(connection, CLIENT, as_of, *YEAR)
    total = Counter()
    for each in counters:
        if each.source == source and METRICS[each.metric].additivity == "flow":
            total[each.metric] += each.value or 0
    return dict(total)


# The rollup has the last line of each platform only, where it has the metric at all.
HISTORY = [
    ("facebook", evening(1), {"clicks": 93626, "impressions": 9569278, "views": 7439374, "likes": 164008}),
    ("facebook", evening(8), {"clicks": 94754, "impressions": 9607254, "views": 7473590, "likes": 164368}),
    ("facebook", evening(15), {"clicks": 95882, "impressions": 9645230, "views": 7507806, "likes": 164728}),
    ("instagram", night(1.5), {"views": 1640441, "impressions": 988693, "likes": 168266, "replies": 10649}),
    ("instagram", night(2.5), {"views": 1640822, "impressions": 988950, "likes": 168635, "replies": 10998}),
    ("twitter", evening(1), {"clicks": 8739, "impressions": 515839, "likes": 15424, "reposts": 5192}),
    ("twitter", evening(2), {"clicks": 17387, "impressions": 1055984, "likes": 30498, "reposts": 10450}),
    ("twitter", evening(3), {"clicks": 25861, "impressions": 1593072, "likes": 46112, "reposts": 15582}),
    ("youtube", evening(1), {"views": 161410, "likes": 7022, "shares": 1965, "replies": 1416}),
    ("youtube", evening(2), {"views": 325548, "likes": 14015, "shares": 3979, "replies": 2864}),
    ("youtube", evening(3), {"views": 487363, "likes": 20976, "shares": 5969, "replies": 4319}),
]


@pytest.mark.parametrize(("source", "as_of", "known"), HISTORY)
def test_an_earlier_moment_has_its_earlier_numbers(house, source, as_of, known):
    told = sums(house, source, as_of)
    assert {metric: told[metric] for metric in known} == known


def test_a_restated_total_has_every_version(house):
    versions = []
    for day in (1, 8, 15):
        with client_snapshot(house.engine, CLIENT) as connection:
            counters = post_counters(connection, CLIENT, evening(day), *YEAR)
        versions.append({each.metric: each.value for each in counters if each.post_id == "900001_5000001"})
    assert versions == [
        {"clicks": 121, "impressions": 43065, "likes": 289, "views": 34333, "video_views": 777},
        {"clicks": 124, "impressions": 43166, "likes": 290, "views": 34424, "video_views": 777},
        {"clicks": 127, "impressions": 43267, "likes": 291, "views": 34515, "video_views": 777},
    ]


def test_the_difference_of_two_evenings_is_the_day(house):
    """A running total each evening keeps the daily report: the flow of a day comes out of it as it went in."""
    totals = [Counter()]
    for day in (1, 2, 3):
        with client_snapshot(house.engine, CLIENT) as connection:
            counters = post_counters(connection, CLIENT, evening(day), *YEAR)
        totals.append(Counter({each.metric: each.value for each in counters if each.post_id == "1267000000000000001"}))
    days = [{metric: late[metric] - early[metric] for metric in late} for early, late in pairwise(totals)]
    assert days == [
        {"clicks": 5, "impressions": 1899, "likes": 33, "replies": 7, "reposts": 21, "engagements": 15},
        {"clicks": 35, "impressions": 2379, "likes": 63, "replies": 7, "reposts": 1, "engagements": 55},
        {"clicks": 12, "impressions": 1256, "likes": 80, "replies": 4, "reposts": 8, "engagements": 32},
    ]


def test_renamed_accounts_keep_their_earlier_names(house):
    names = {}
    for as_of in (night(1.5), END):
        with client_snapshot(house.engine, CLIENT) as connection:
            told = accounts(connection, CLIENT, as_of)
        names[as_of] = {each.name for each in told if each.source in {"instagram", "twitter"}}
    assert names[night(1.5)] == {f"IG {n}" for n in range(5)} | {f"TW {n} v1" for n in range(5)}
    assert names[END] == {f"IG {n} renamed" for n in range(5)} | {f"TW {n} v2" for n in range(5)}


@pytest.mark.parametrize(
    ("source", "first", "post_id", "words", "edited"),
    [
        ("facebook", night(1.5), "900004_5000004", ("Post 4 v1", "Post 4 v2"), 100),
        ("instagram", night(1.5), "17000000", ("=SUM(A1:A9)", "Post 0 v2"), 80),
        ("linkedin", night(1.5, day=2), "urn:li:share:6100000000000000012", ("Post 12 v1", ""), 67),
    ],
)
def test_edited_posts_keep_their_earlier_words(house, source, first, post_id, words, edited):
    with client_snapshot(house.engine, CLIENT) as connection:
        before, after = (
            {each.post_id: each.text for each in posts(connection, CLIENT, as_of, *YEAR) if each.source == source}
            for as_of in (first, END)
        )
    assert (before[post_id], after[post_id]) == words
    assert len(before) == len(after) == 400
    assert sum(before[each] != after[each] for each in after) == edited
