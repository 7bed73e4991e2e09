"""Bluesky against a real network of its own: what people did there is what stands in the warehouse."""

import base64
import datetime as dt
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, product
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest
from bluesky_people import Network, Person, Post, quoting, replying
from sqlalchemy import URL, Engine

from widerview.clock import utc_now
from widerview.landing.store import Landing, Pull, record
from widerview.quality.gate import PullRows, check
from widerview.quality.verdict import CheckResult
from widerview.sources.base import CommentRow, Row, Target, Window
from widerview.sources.bluesky import SOURCE
from widerview.sources.errors import NotFound
from widerview.sources.http import HttpClient
from widerview.warehouse import read
from widerview.warehouse.database import connect, snapshot
from widerview.warehouse.load import LoadCounts, load_pull
from widerview.warehouse.migrate import migrate

pytestmark = pytest.mark.network_servers

BERLIN = ZoneInfo("Europe/Berlin")
TODAY = dt.datetime.now(BERLIN).date()
WINDOW = Window(TODAY - dt.timedelta(days=21), TODAY)
VIEW = {
    "likes": "likeCount",
    "reposts": "repostCount",
    "replies": "replyCount",
    "quotes": "quoteCount",
    "bookmarks": "bookmarkCount",
}
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def at(days_ago: int, hour: int, minute: int = 0) -> dt.datetime:
    """A moment on the client's own clock."""
    return dt.datetime.combine(TODAY - dt.timedelta(days=days_ago), dt.time(hour, minute), BERLIN)


def facet(text: str, part: str, **feature: str) -> dict[str, Any]:
    """Mark a part of a text as a link or a hashtag; Bluesky counts bytes."""
    start = len(text[: text.index(part)].encode())
    kind = "tag" if "tag" in feature else "link"
    return {
        "index": {"byteStart": start, "byteEnd": start + len(part.encode())},
        "features": [{"$type": f"app.bsky.richtext.facet#{kind}", **feature}],
    }


class Shown(NamedTuple):
    """What the warehouse should know of a post."""

    published_at: dt.datetime
    text: str
    kind: str = "text"
    tags: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    reply_to: str | None = None


@dataclass
class Desk:
    """One client's landing and warehouse, and a pull into them."""

    network: Network
    landing: Landing
    engine: Engine
    runs: Iterator[int]

    def fetch(self, ref: str, window: Window) -> tuple[str, Pull]:
        target = Target(client_id="otter-bakery", source="bluesky", ref=ref, time_zone="Europe/Berlin")
        http = HttpClient(base_url=self.network.appview, budget=SOURCE.call_budget)
        return record(self.landing, SOURCE, target, window, f"run-{next(self.runs)}", http, utc_now)

    def rows(self, pull: Pull) -> list[Row]:
        return [row for page in self.landing.pages(pull) for row in SOURCE.parse(pull.target, page)]

    def judge(self, pull: Pull) -> CheckResult:
        [result] = check(
            [
                PullRows(
                    target=pull.target,
                    window=pull.window,
                    ended_at=pull.ended_at,
                    metrics=SOURCE.metrics,
                    kind=SOURCE.kind,
                    rows=self.rows(pull),
                )
            ]
        )
        return result

    def pull(self, ref: str, window: Window = WINDOW) -> tuple[Pull, LoadCounts]:
        """Fetch, land, parse and load."""
        name, pull = self.fetch(ref, window)
        assert pull.complete
        counts = load_pull(
            self.engine,
            load_id=name,
            target=pull.target,
            window=window,
            started_at=pull.started_at,
            ended_at=pull.ended_at,
            digest=hashlib.sha256(name.encode()).digest(),  # each pull's own, so that its rows are compared
            recorded_at=pull.ended_at,
            rows=self.rows(pull),
        )
        return pull, counts

    def posts(self, first: dt.datetime, end: dt.datetime, as_of: dt.datetime | None = None) -> list[read.Post]:
        with snapshot(self.engine) as connection:
            return read.posts(connection, "otter-bakery", as_of or utc_now(), first, end)

    def counters(self, as_of: dt.datetime | None = None) -> dict[str, dict[str, int | None]]:
        """Every metric of every post, by post."""
        with snapshot(self.engine) as connection:
            found = read.post_counters(connection, "otter-bakery", as_of or utc_now(), at(100, 0), utc_now())
        by_post: dict[str, dict[str, int | None]] = {}
        for counter in found:
            by_post.setdefault(counter.post_id, {})[counter.metric] = counter.value
        return by_post

    def account(self, as_of: dt.datetime | None = None) -> read.Account:
        with snapshot(self.engine) as connection:
            [account] = read.accounts(connection, "otter-bakery", as_of or utc_now())
        return account


@pytest.fixture
def desk(network: Network, database: URL, tmp_path: Path) -> Iterator[Desk]:
    engine = connect(database.render_as_string(hide_password=False))
    migrate(engine)
    yield Desk(network, Landing(tmp_path / "landing"), engine, count(1))
    engine.dispose()


@dataclass(frozen=True)
class History:
    """Five weeks of a bakery's account: its posts, and what people did with them; what is not named is zero."""

    bakery: Person
    posts: dict[Post, Shown]
    counts: dict[Post, dict[str, int]]

    def between(self, first: dt.datetime, end: dt.datetime) -> dict[str, Shown]:
        """The posts published in an interval."""
        return {post.uri: shown for post, shown in self.posts.items() if first <= shown.published_at < end}


@pytest.fixture(scope="module")
def history(network: Network) -> History:
    bakery, vera, ismail, june = (network.join(name) for name in ("otter-bakery", "vera", "ismail", "june"))
    posts: dict[Post, Shown] = {}

    def publish(shown: Shown, **more: object) -> Post:
        post = bakery.post(shown.text, shown.published_at, **more)
        posts[post] = shown
        return post

    # The AppView counts anew after each act, and of two acts at once the older count may be written last and stay. So
    # nobody adds to a count before the one before has been seen there.
    def seen(post: Post, **counted: int) -> None:
        network.wait_until_shown([post], {post: {VIEW[metric]: value for metric, value in counted.items()}})

    plain = {(day, hour): f"Loaf of {hour}:00, {day} days ago" for day, hour in product(range(1, 36), range(7, 18, 2))}
    loaves = dict(zip(plain, bakery.post_many([(text, at(*when)) for when, text in plain.items()]), strict=True))
    posts |= {loaves[when]: Shown(at(*when), text) for when, text in plain.items()}

    site, menu = "https://bakery.example/", "https://bakery.example/menu"
    card = {"uri": site, "title": "Otter Bakery", "description": "A made-up bakery"}
    publish(
        Shown(at(4, 8), text := "Frühlingsbrot, every #Saturday: our menu", "link", ("saturday",), (menu, site)),
        facets=[facet(text, "#Saturday", tag="Saturday"), facet(text, "our menu", uri=menu)],
        embed={"$type": "app.bsky.embed.external", "external": card},
    )
    picture = {"image": bakery.upload(PIXEL, "image/png"), "alt": "One pixel of crust"}
    publish(Shown(at(5, 8), "Crust", "image"), embed={"$type": "app.bsky.embed.images", "images": [picture]})

    # A thread of one's own is publishing; what answers somebody, or goes on under somebody's post, is conversation.
    thread = publish(Shown(at(6, 8), "How we bake, in three posts"))
    second = publish(Shown(at(6, 8, 1), "Flour, water, salt"), reply=replying(thread))
    publish(Shown(at(6, 8, 2), "And a night of rest"), reply=replying(second, thread))
    loved = loaves[2, 9]
    question = vera.post("Do you have rye?", at(2, 10), reply=replying(loved))
    publish(Shown(at(2, 11, 30), "From Thursday on", reply_to=question.uri), reply=replying(question, loved))
    seen(loved, replies=1)
    ismail.post("Gone by noon, as ever", at(2, 12), reply=replying(loved))
    review = june.post("The best rye of the town", at(8, 12))
    thanks = publish(Shown(at(8, 12, 30), "We bake it on Thursdays", reply_to=review.uri), reply=replying(review))
    publish(Shown(at(8, 12, 31), "And on Fridays", reply_to=thanks.uri), reply=replying(thanks, review))

    network.wait_until_shown(posts)
    publish(Shown(at(8, 14), "Thank you, June", "quote"), embed=quoting(review))
    bakery.repost(review, at(8, 16))
    remembered = loaves[30, 11]
    bakery.repost(remembered, at(1, 18))
    bakery.describe("Otter Bakery", pinned=loaves[33, 7])

    for number, guest in enumerate((vera, ismail, june), 1):
        guest.follow(bakery, at(20, 12))
        network.wait_until_counted(bakery, followersCount=number)
        guest.like(loved, at(1, 9))
        seen(loved, likes=number)
    vera.like(remembered, at(1, 19))
    vera.repost(loved, at(1, 20))
    seen(loved, reposts=1)
    ismail.repost(loved, at(1, 20))
    june.post("This one", at(1, 21), embed=quoting(loved))
    june.bookmark(loved)
    bakery.follow(june, at(19, 12))

    counts = {
        loved: {"likes": 3, "reposts": 2, "replies": 2, "quotes": 1, "bookmarks": 1},
        remembered: {"likes": 1, "reposts": 1},
        thread: {"replies": 1},
        second: {"replies": 1},
        thanks: {"replies": 1},
    }
    network.wait_until_shown(posts)
    for post, known in counts.items():
        seen(post, **known)
    network.wait_until_counted(bakery, followersCount=3, followsCount=1, postsCount=len(posts))
    return History(bakery, posts, counts)


def shown(posts: list[read.Post]) -> dict[str, Shown]:
    assert len({post.post_id for post in posts}) == len(posts)
    return {
        post.post_id: Shown(post.published_at, post.text, post.kind, post.tags, post.links, post.reply_to)
        for post in posts
    }


def test_every_post_of_the_window_arrives_once_and_nobody_elses(desk: Desk, history: History) -> None:
    pull, _ = desk.pull("otter-bakery.test")
    # The third page is too old; two posts of the last seven days have answers.
    assert [entry.stream for entry in pull.entries] == ["account", "posts", "posts", "comments", "comments"]
    found = desk.posts(at(21, 0), utc_now())
    assert shown(found) == history.between(at(21, 0), utc_now())
    assert len(found) == 21 * 6 + 9
    assert {post.account_id for post in found} == {history.bakery.did}


def test_a_long_window_brings_everything_and_reposts_and_pins_count_for_nothing(desk: Desk, history: History) -> None:
    pull, _ = desk.pull("otter-bakery.test", Window(TODAY - dt.timedelta(days=60), TODAY))
    # A page that has items has a cursor, too, so that only an empty one is known to be the last.
    assert [entry.stream for entry in pull.entries] == ["account", *["posts"] * 4, *["comments"] * 2]
    found = desk.posts(at(60, 0), utc_now())
    assert shown(found) == history.between(at(60, 0), utc_now())
    assert len(found) == 35 * 6 + 9


def test_counters_are_what_people_did(desk: Desk, history: History) -> None:
    desk.pull("otter-bakery.test", Window(TODAY - dt.timedelta(days=60), TODAY))
    nothing = dict.fromkeys(VIEW, 0)
    assert desk.counters() == {post.uri: nothing | history.counts.get(post, {}) for post in history.posts}
    with snapshot(desk.engine) as connection:
        account = read.account_counters(connection, "otter-bakery", utc_now(), utc_now())
    assert {counter.metric: counter.value for counter in account} == {
        "followers": 3,
        "following": 1,
        "posts": len(history.posts),
    }
    assert desk.account().name == "Otter Bakery"


def test_comments_are_what_people_said_and_the_account_answered(desk: Desk, history: History) -> None:
    _, pull = desk.fetch("otter-bakery.test", WINDOW)
    [loved] = [post.uri for post, known in history.counts.items() if known.get("likes") == 3]
    said = {row.text: row for row in desk.rows(pull) if isinstance(row, CommentRow)}
    assert {text: (row.post_id, row.published_at, row.own) for text, row in said.items()} == {
        "Do you have rye?": (loved, at(2, 10), False),
        "From Thursday on": (loved, at(2, 11, 30), True),
        "Gone by noon, as ever": (loved, at(2, 12), False),
    }
    assert said["From Thursday on"].reply_to == said["Do you have rye?"].comment_id
    assert said["From Thursday on"].author == history.bakery.did


def test_the_gate_holds_nothing_back(desk: Desk, history: History) -> None:
    _, pull = desk.fetch("otter-bakery.test", WINDOW)
    result = desk.judge(pull)
    assert result.rejected == ()
    *past, yesterday, today = result.verdicts
    assert {verdict.colour for verdict in past} == {"green"}
    assert (yesterday.colour, [flaw.kind for flaw in yesterday.flaws]) == ("amber", ["early"])
    assert (today.day, today.colour) == (TODAY, "amber")


def test_a_pull_stores_only_what_has_changed(desk: Desk, network: Network) -> None:
    mill, neighbour = network.join("mill"), network.join("neighbour")
    mill.post("Rye", at(2, 9))
    network.wait_until_counted(mill, postsCount=1)
    second = mill.post("Spelt", at(1, 9))
    network.wait_until_counted(mill, postsCount=2)
    earlier, counts = desk.pull("mill.test")
    assert (counts.parsed, counts.stored) == (1 + 2, 1 + 2)

    _, unchanged = desk.pull("mill.test")
    assert (unchanged.parsed, unchanged.stored) == (counts.parsed, 0)

    neighbour.like(second, at(0, 0))
    network.wait_until_shown([second], {second: {"likeCount": 1}})
    _, liked = desk.pull("mill.test")
    assert (liked.parsed, liked.stored) == (counts.parsed, 1)
    assert desk.counters()[second.uri]["likes"] == 1
    assert desk.counters(as_of=earlier.ended_at)[second.uri]["likes"] == 0


def test_history_goes_on_under_a_new_handle(desk: Desk, network: Network) -> None:
    stall = network.join("stall")
    before = stall.post("Still a stall", at(3, 9))
    network.wait_until_shown([before])
    earlier, _ = desk.pull("stall.test")

    stall.rename("market-hall")
    after = stall.post("Now a hall", at(1, 9))
    network.wait_until_shown([before, after])
    desk.pull("market-hall.test")
    account = desk.account()
    assert (account.account_id, account.handle) == (stall.did, "market-hall.test")
    assert desk.account(as_of=earlier.ended_at).handle == "stall.test"
    assert [(post.post_id, post.account_id) for post in desk.posts(at(7, 0), utc_now())] == [
        (before.uri, stall.did),
        (after.uri, stall.did),
    ]
    with pytest.raises(NotFound, match=r"stall\.test"):
        desk.pull("stall.test")

    _, by_did = desk.pull(stall.did)
    assert (by_did.parsed, by_did.stored) == (1 + 2, 0)


def test_nothing_is_lost_or_gained_where_window_and_page_end_in_the_same_moment(desk: Desk, network: Network) -> None:
    clock = network.join("clock")
    opens = at(2, 0)
    too_early = clock.post("a blink too early", opens - dt.timedelta(milliseconds=1))
    # The hundredth and the hundred and first of the feed, of which a page has a hundred.
    twins = [clock.post(f"on the stroke of {bell}", opens) for bell in ("church", "town hall")]
    later = clock.post_many([(f"{minute} past", opens + dt.timedelta(minutes=minute)) for minute in range(1, 100)])
    network.wait_until_shown([too_early, *twins, *later])

    pull, _ = desk.pull("clock.test", Window(opens.date(), TODAY))
    assert [entry.stream for entry in pull.entries] == ["account", "posts", "posts"]
    found = [post.post_id for post in desk.posts(opens, utc_now())]
    assert sorted(found[:2]) == sorted(post.uri for post in twins)
    assert found[2:] == [post.uri for post in later]
    [day_before] = desk.posts(at(3, 0), opens)
    assert day_before.post_id == too_early.uri


def test_a_post_dated_ahead_is_as_old_as_the_network_knows_it(desk: Desk, network: Network) -> None:
    dreamer = network.join("dreamer")
    began = utc_now()
    post = dreamer.post("Greetings from tomorrow", at(-1, 12))
    network.wait_until_shown([post])
    desk.pull("dreamer.test")
    [found] = desk.posts(at(1, 0), at(-2, 0))
    assert found.post_id == post.uri
    assert began - dt.timedelta(milliseconds=1) <= found.published_at <= utc_now()


@pytest.mark.parametrize("ref", ["nobody.test", "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa"])
def test_an_unknown_account_is_named(desk: Desk, ref: str) -> None:
    with pytest.raises(NotFound, match=f"(?s){ref}.*otter-bakery"):
        desk.pull(ref)
    [(_, pull)] = desk.landing.pulls()
    assert not pull.complete
    assert ref in str(pull.error)
    assert [entry.status for entry in pull.entries] == [400]


def test_an_account_that_was_closed_is_named(desk: Desk, network: Network) -> None:
    network.join("gone").deactivate()
    with pytest.raises(NotFound, match=r"gone\.test.*AccountDeactivated"):
        desk.pull("gone.test")
