"""What is held can be released, or checked anew after a fix; a release outlives the warehouse, and not the client."""

import datetime as dt
from collections.abc import Iterator

import msgspec
import pytest
from sqlalchemy import text

from house import ANCHOR, House
from widerview.pipeline import ingest
from widerview.pipeline.forget import forget
from widerview.pipeline.quarantine import NotHeld, Released, recheck, release, show
from widerview.pipeline.releases import read_releases, released_places
from widerview.sources.base import DayRow, PostRow, RawPage, Row, Source, Target, Window
from widerview.sources.registry import SOURCES
from widerview.warehouse import migrate as migrations
from widerview.warehouse.migrate import migrate
from widerview.warehouse.quarantine import held

WINDOW = Window(ANCHOR - dt.timedelta(days=7), ANCHOR)
CYCLES, BAKERY = "tidewater-cycles", "hollow-oak-bakery"
AT = dt.datetime(2026, 11, 18, 9, 30, tzinfo=dt.UTC)
TOO_MANY = 10**12 + 5
DAY = WINDOW.first


def misread(row: Row) -> Row:
    """What no gate believes: the visits of one day, and the likes of every post."""
    if isinstance(row, DayRow) and (row.metric, row.dimension, row.day) == ("visits", "total", DAY):
        return msgspec.structs.replace(row, value=TOO_MANY)
    if isinstance(row, PostRow) and row.counts.get("likes") is not None:
        return msgspec.structs.replace(row, counts={**row.counts, "likes": TOO_MANY})
    return row


def misreading(source: Source) -> Source:
    """The source with a parser that reads numbers no gate believes."""

    class Misreading(type(source)):  # type: ignore[misc]
        def parse(self, target: Target, page: RawPage) -> Iterator[Row]:
            return map(misread, super().parse(target, page))

    return Misreading()


@pytest.fixture
def sources() -> dict[str, Source]:
    return {name: misreading(SOURCES[name]) for name in ("matomo", "bluesky")}


@pytest.fixture
def doubted(house: House, sources: dict[str, Source], monkeypatch: pytest.MonkeyPatch) -> House:
    """A house that has held one day's visits, and the likes of some posts, of each client."""
    for name, source in sources.items():
        monkeypatch.setitem(SOURCES, name, source)
        house.pull(WINDOW, "manual__2026-11-17T07:00:00+00:00", name)
        house.check_and_load("manual__2026-11-17T07:00:00+00:00", name)
    return house


def only_visits(house: House, client: str = CYCLES) -> str:
    """The name of the pull whose visits are held."""
    [one] = held(house.engine, client_id=client, source="matomo")
    return one.load_id


def let_go(house: House, sources: dict[str, Source], load_id: str, **which: object) -> Released:
    told = {"why": "The fair was real.", "by": "mara", "at": AT, **which}
    return release(house.landing, sources, house.engine, CYCLES, load_id, **told)  # type: ignore[arg-type]


def visits(house: House) -> list[float]:
    with house.engine.connect() as connection:
        return list(
            connection.scalars(
                text(
                    "SELECT value FROM day_value WHERE client_id = :client AND day = :day AND metric = 'visits' "
                    "AND dimension = 'total' AND source = 'matomo'"
                ),
                {"client": CYCLES, "day": DAY},
            )
        )


def all_rows(house: House) -> dict[str, list[str]]:
    with house.engine.connect() as connection:
        return {
            table: sorted(connection.scalars(text(f"SELECT to_jsonb(r)::text FROM {table} AS r")))
            for table in ("load", "quarantine", "verdict", "post", "day_value")
        }


def test_what_is_held_tells_the_run_and_where_its_raw_answer_lies(doubted: House) -> None:
    load_id = only_visits(doubted)
    [one] = held(doubted.engine, load_id=load_id)
    assert (one.run, one.kind, one.metric) == ("manual__2026-11-17T07:00:00+00:00", "day", None)
    [shown] = show(doubted.engine, doubted.landing, load_id, one.row_index)
    assert one.raw == f"raw/{shown.pack.rpartition('raw/')[2]}#{shown.place}"
    assert shown.is_kept
    pages = list(doubted.landing.pages(doubted.landing.read_pull(load_id)))
    whole = b"".join(page.body for page in pages)
    answer = whole[shown.offset : shown.offset + shown.entry.size]
    assert answer == pages[shown.place - 1].body
    assert pages[shown.place - 1].sha256 == one.receipt == shown.entry.sha256
    with pytest.raises(NotHeld, match=f"Of this pull the rows {one.row_index} are"):
        show(doubted.engine, doubted.landing, load_id, one.row_index + 1)


def test_a_released_row_is_loaded_once_and_leaves_the_quarantine(doubted: House, sources: dict[str, Source]) -> None:
    load_id = only_visits(doubted)
    assert visits(doubted) == []
    assert let_go(doubted, sources, load_id) == Released(1, ())
    assert visits(doubted) == [TOO_MANY]
    assert held(doubted.engine, load_id=load_id) == []
    assert [(each.why, each.by, each.at) for each in read_releases(doubted.landing, load_id)] == [
        ("The fair was real.", "mara", AT)
    ]
    before = all_rows(doubted)
    assert let_go(doubted, sources, load_id, by="somebody else", why="Me too.") == Released(0, ())
    assert read_releases(doubted.landing, load_id)[0].by == "mara", "the first word stands"
    ingest.replay(doubted.landing, sources, doubted.engine)
    assert all_rows(doubted) == before
    assert len(held(doubted.engine, client_id=BAKERY, source="matomo")) == 1, "nobody else's row is released"


def test_one_number_of_a_row_is_released_and_the_others_stay(doubted: House, sources: dict[str, Source]) -> None:
    likes = held(doubted.engine, client_id=CYCLES, source="bluesky")
    assert len(likes) > 1
    one = likes[0]
    assert (one.metric, one.kind) == ("likes", "post")
    done = let_go(doubted, sources, one.load_id, index=one.row_index, metric="likes")
    assert (done.places, len(done.still_held)) == (1, len(likes) - 1)
    with doubted.engine.connect() as connection:
        stored = connection.scalars(text("SELECT counts ->> 'likes' FROM post WHERE counts ->> 'likes' IS NOT NULL"))
        assert list(stored) == [str(TOO_MANY)]
    with pytest.raises(NotHeld, match=r"Held are: row \d+ \(likes\)"):
        let_go(doubted, sources, one.load_id, index=one.row_index, metric="reposts")


def test_a_release_outlives_the_warehouse(doubted: House, sources: dict[str, Source]) -> None:
    let_go(doubted, sources, only_visits(doubted))
    migrations.downgrade(doubted.engine, "base")
    migrate(doubted.engine)
    ingest.replay(doubted.landing, sources, doubted.engine)
    assert visits(doubted) == [TOO_MANY]
    assert held(doubted.engine, client_id=CYCLES, source="matomo") == []
    assert len(held(doubted.engine, client_id=BAKERY, source="matomo")) == 1


def test_a_release_goes_with_the_client_and_with_the_pull(doubted: House, sources: dict[str, Source]) -> None:
    load_id = only_visits(doubted)
    let_go(doubted, sources, load_id)
    assert (doubted.root / "landing" / "releases" / load_id).exists()
    done = forget(doubted.engine, doubted.landing, CYCLES, [])
    assert not any(line.left for line in done.lines), done.lines
    assert not list((doubted.root / "landing").rglob(f"releases/**/{CYCLES}"))


def test_a_release_counts_for_the_row_that_was_seen_and_for_no_other(
    doubted: House, sources: dict[str, Source], caplog: pytest.LogCaptureFixture
) -> None:
    load_id = only_visits(doubted)
    let_go(doubted, sources, load_id)
    releases = read_releases(doubted.landing, load_id)
    pull = doubted.landing.read_pull(load_id)
    rows = list(ingest.rows(doubted.landing, sources["matomo"], pull))
    assert released_places(releases, rows) == {(releases[0].index, None)}
    assert released_places(releases, rows[1:]) == frozenset()
    assert released_places(releases, []) == frozenset()
    assert "another row is read there by now" in caplog.text


def test_after_a_fix_of_the_parser_the_pulls_that_have_held_rows_are_checked_anew(
    doubted: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = len(held(doubted.engine, client_id=CYCLES))
    others = len(held(doubted.engine, client_id=BAKERY))
    monkeypatch.undo()
    done = recheck(doubted.landing, SOURCES, doubted.engine, CYCLES, "matomo")
    assert done == (1, 1, 0, ())
    assert [value < 10**6 for value in visits(doubted)] == [True]
    done = recheck(doubted.landing, SOURCES, doubted.engine, CYCLES)
    assert (done.pulls, done.before, done.after) == (1, before - 1, 0)
    assert recheck(doubted.landing, SOURCES, doubted.engine, CYCLES) == (0, 0, 0, ())
    assert len(held(doubted.engine, client_id=BAKERY)) == others
    with pytest.raises(NotHeld):
        recheck(doubted.landing, SOURCES, doubted.engine, CYCLES, load_id="pulls/nothing")


def test_what_cannot_be_read_again_is_said(doubted: House, sources: dict[str, Source]) -> None:
    load_id = only_visits(doubted)
    with pytest.raises(ValueError, match=f"is of the client {CYCLES}, not of {BAKERY}"):
        release(doubted.landing, sources, doubted.engine, BAKERY, load_id, why="x", by="x", at=AT)
    for pack in (doubted.root / "landing" / "raw").rglob(f"{doubted.landing.read_pull(load_id).pack}.gz"):
        pack.unlink()
    with pytest.raises(ValueError, match="raw answers are no longer kept"):
        let_go(doubted, sources, load_id)
    assert read_releases(doubted.landing, load_id) == ()
    done = recheck(doubted.landing, sources, doubted.engine, CYCLES, "matomo")
    assert done.pulls == 0
    assert done.left_out == (f"{load_id}: its raw answers are no longer kept",)
    [one] = held(doubted.engine, load_id=load_id)
    [shown] = show(doubted.engine, doubted.landing, load_id, one.row_index)
    assert not shown.is_kept
