"""The marts say what an analyst may rely on: known numbers, as of any moment, of one client, with their breaks."""

import datetime as dt
import json
import re
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError
from warehouse_pulls import CLIENT, MONDAY, account, at, comment, counter, day, load, post, receipt, target

from house import FIRST, SETTLED, House
from widerview.quality.verdict import Colour, DayVerdict, Rejected
from widerview.sources.base import DayRow, Row, Window
from widerview.sources.registry import SOURCES
from widerview.warehouse import read
from widerview.warehouse.database import client_snapshot, snapshot
from widerview.warehouse.describe import readers
from widerview.warehouse.load import load_pull
from widerview.warehouse.marts import MARTS, mart
from widerview.warehouse.migrate import downgrade, migrate
from widerview.warehouse.tables import metadata

OTHER = "quay-gym"
PAGE = Path(__file__).parents[2] / "docs" / "warehouse.md"
TUESDAY, WEDNESDAY, THURSDAY, FRIDAY, SATURDAY, SUNDAY = (MONDAY + dt.timedelta(days=n) for n in range(1, 7))


def rows(connection: Connection, query: str, **parameters: object) -> list[tuple[object, ...]]:
    return [tuple(row) for row in connection.execute(text(query), parameters)]


def look(engine: Engine, query: str, *, as_of: float | None = None) -> list[tuple[object, ...]]:
    """What a query says, all that is recorded or as of some hours after dawn."""
    with engine.begin() as connection:
        if as_of is not None:
            connection.execute(text(f"SET LOCAL widerview.as_of = '{at(as_of)}'"))
        return rows(connection, query)


def pull(engine: Engine, hours: float, *found: Row, client: str = CLIENT, recorded: float | None = None) -> None:
    """Load a pull of the account, with what it found, that ended some hours after dawn."""
    load(engine, [account(hours, client=client), *found], load_id=f"pull {hours}", ended=hours, client=client,
         recorded=recorded)  # fmt: skip


def web(hours: float, member: str, visits: float | None, date: dt.date = MONDAY, *, metric: str = "visits") -> DayRow:
    dimension = "touchpoint" if "/" in member else "campaign" if member else "total"
    return msgspec.structs.replace(day(hours, visits, date, dimension=dimension, member=member), metric=metric)


def page_queries(start: str) -> Sequence[str]:
    """The examples of the page that begin like this."""
    return re.findall(rf"```sql\n({start}.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)


def redefine(engine: Engine, metric: str, grain: str, since: dt.date) -> None:
    """Say that the platform counts a metric otherwise since a day."""
    with engine.begin() as connection:
        connection.execute(
            text("""
                INSERT INTO metric_definition
                    (source, metric, grain, version, native_metric, meaning, placement, valid_from, documented_at)
                VALUES
                    ('bluesky', :metric, :grain, 2, 'n', 'A fictional change.', 'both', :since, 'https://docs.example')
            """),
            {"metric": metric, "grain": grain, "since": since},
        )


# --- What they are ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MARTS)
def test_the_database_says_what_the_file_says(warehouse: Engine, name: str) -> None:
    found = look(
        warehouse,
        f"""
        SELECT attname, format_type(atttypid, atttypmod), col_description(attrelid, attnum)
        FROM pg_attribute WHERE attrelid = 'mart.{name}'::regclass ORDER BY attnum
        """,
    )
    described = mart(name)
    assert found == [tuple(column) for column in described.columns]
    assert all(meaning for _, _, meaning in described.columns)
    assert set(described.key) <= {column.name for column in described.columns}
    assert described.key[0] == "client_id"
    kept = look(
        warehouse,
        f"SELECT obj_description(oid), reloptions FROM pg_class WHERE oid = 'mart.{name}'::regclass",
    )
    assert kept == [(described.comment, ["security_invoker=true"])]


def test_every_metric_of_a_source_has_a_column() -> None:
    places = {
        "post": ["post", "post_day"],
        "account": ["account_day"],
        "account_day": ["account_day"],
        "site_day": ["web_day"],
        "folder_day": ["asset_day"],
    }
    for source in SOURCES.values():
        for definition in source.dictionary.definitions:
            # A website's log counts scans by asset, as folders do; and what ads managers tell is of no asset.
            others = {"scans": ["asset_day"], "claimed_conversions": ["ad_day"], "spend": ["ad_day"]}
            for name in others.get(definition.metric, places[definition.grain]):
                assert definition.metric in {column.name for column in mart(name).columns}


def test_who_may_read_a_table_is_told_as_it_is(warehouse: Engine) -> None:
    found = dict(
        look(
            warehouse,
            """
            SELECT relname, CASE
                WHEN NOT has_table_privilege('widerview_report', oid, 'SELECT') THEN 'nothing'
                WHEN relrowsecurity THEN 'one client''s rows'
                ELSE 'everything'
            END
            FROM pg_class WHERE relnamespace = 'public'::regnamespace
            """,
        )
    )
    assert {name: found[name] for name in metadata.tables} == {
        name: readers(table) for name, table in metadata.tables.items()
    }


# --- Posts -----------------------------------------------------------------------------------------------------------


def test_a_post_as_last_seen(warehouse: Engine) -> None:
    pull(warehouse, 12, post(12, published=1, text="Fresh rols", likes=3, replies=0, quotes=None))
    pull(warehouse, 36, post(36, published=1, text="Fresh rolls", tags=("rolls",), likes=3, replies=2, quotes=None))
    pull(warehouse, 60, counter(60, 5, published=1))
    query = """
        SELECT post_id, account_id, published_at, day, zone, text, tags, likes, replies, quotes, views, counts, breaks,
            first_observed_at, observed_at, receipt
        FROM mart.post
    """
    counts = {"likes": 5, "replies": 2, "quotes": None}
    assert look(warehouse, query) == [
        ("p1", "did:1", at(1), MONDAY, "Europe/Berlin", "Fresh rolls", ["rolls"], 5, 2, None, None, counts, [],
         at(12), at(60), receipt(60))
    ]  # fmt: skip
    assert look(warehouse, "SELECT text, likes, replies, observed_at FROM mart.post", as_of=35) == [
        ("Fresh rols", 3, 0, at(12))
    ]
    assert look(warehouse, query, as_of=11) == []


def test_a_post_that_is_dated_anew_is_one_post(warehouse: Engine) -> None:
    pull(warehouse, 12, post(12, published=1, likes=3))
    pull(warehouse, 60, post(60, published=30, likes=4))
    assert look(warehouse, "SELECT published_at, likes, day FROM mart.post") == [(at(30), 4, TUESDAY)]
    assert look(warehouse, "SELECT published_at, likes, day FROM mart.post", as_of=59) == [(at(1), 3, MONDAY)]
    assert look(warehouse, "SELECT day, likes FROM mart.post_day") == [(WEDNESDAY, 4)]


def test_gains_of_a_post_are_those_of_days_between_two_looks(warehouse: Engine) -> None:
    pull(warehouse, 12, post(12, likes=3))  # Monday: what it had before was not that day's
    pull(warehouse, 36, post(36, likes=3))  # Tuesday: nothing new, so nothing stored
    pull(warehouse, 50, post(50, likes=9))
    pull(warehouse, 60, post(60, likes=7))  # Wednesday, twice; likes were taken back
    pull(warehouse, 108, post(108, likes=12))  # Friday: nobody looked on Thursday
    pull(warehouse, 132, post(132, likes=None))
    pull(warehouse, 156, post(156, likes=20))
    query = "SELECT day, age, likes, likes_gain, replies, replies_gain, breaks FROM mart.post_day ORDER BY day"
    assert look(warehouse, query) == [
        (MONDAY, 0, 3, None, None, None, []),
        (TUESDAY, 1, 3, 0, None, None, []),
        (WEDNESDAY, 2, 7, 4, None, None, []),
        (FRIDAY, 4, 12, None, None, None, []),
        (SATURDAY, 5, None, None, None, None, []),
        (SUNDAY, 6, 20, None, None, None, []),
    ]
    assert look(warehouse, query, as_of=51)[2:] == [(WEDNESDAY, 2, 9, 6, None, None, [])]


def test_a_day_ends_at_midnight_of_the_accounts_zone(warehouse: Engine) -> None:
    pull(warehouse, 22.75, post(22.75, likes=1))  # a quarter to midnight in Berlin
    pull(warehouse, 23.25, post(23.25, likes=5))  # a quarter past
    assert look(warehouse, "SELECT day, likes, likes_gain FROM mart.post_day ORDER BY day") == [
        (MONDAY, 1, None),
        (TUESDAY, 5, 4),
    ]


def test_a_day_of_25_hours_is_one_day(warehouse: Engine) -> None:
    opens = dt.datetime(2026, 10, 24, 22, tzinfo=dt.UTC)  # midnight in Berlin; the clocks go back in this night
    for number, moment in enumerate([opens, opens + dt.timedelta(hours=24.9), opens + dt.timedelta(hours=25)]):
        hours = (moment - at(0)) / dt.timedelta(hours=1)
        load_pull(
            warehouse, load_id=str(number), target=target(), window=Window(opens.date(), moment.date()),
            started_at=moment, ended_at=moment, digest=b"%d" % number, recorded_at=moment,
            rows=[account(hours, followers=number), post(hours, published=hours - number, likes=number)],
        )  # fmt: skip
    sunday = dt.date(2026, 10, 25)
    assert look(
        warehouse, "SELECT day, followers, followers_gain FROM mart.account_day WHERE counts IS NOT NULL ORDER BY 1"
    ) == [
        (sunday, 1, None),
        (sunday + dt.timedelta(days=1), 2, 1),
    ]


# --- Accounts --------------------------------------------------------------------------------------------------------


def test_days_of_an_account(warehouse: Engine) -> None:
    reply = msgspec.structs.replace(post(36, "r1", published=31), reply_to="at://guest/1")
    reach = DayRow(
        client_id=CLIENT, source="bluesky", observed_at=at(60), receipt=receipt(60), entity="account",
        entity_id="did:1", day=MONDAY, zone="Europe/Berlin", dimension="total", member="", metric="reach", value=70,
    )  # fmt: skip
    load(warehouse, [account(12, followers=100), post(12, published=-30), post(12, "p2", published=2)], load_id="1",
         ended=12)  # fmt: skip
    load(warehouse, [account(36, followers=104), post(36, "p3", published=30), reply], load_id="2", ended=36)
    load(warehouse, [account(60, followers=104), reach], load_id="3", ended=60)
    load(warehouse, [account(108, name="Harbour Bar", followers=110)], load_id="4", ended=108)
    query = """
        SELECT day, followers, followers_gain, published, answered, reach FROM mart.account_day ORDER BY day
    """
    assert look(warehouse, query) == [
        (MONDAY, 100, None, 1, 0, 70.0),
        (TUESDAY, 104, 4, 1, 1, None),
        (WEDNESDAY, 104, 0, 0, 0, None),
        (THURSDAY, None, None, 0, 0, None),  # reached by Friday's pull, but nobody looked on the day
        (FRIDAY, 110, None, 0, 0, None),
    ]
    assert look(warehouse, query, as_of=36) == [(MONDAY, 100, None, 1, 0, None), (TUESDAY, 104, 4, 1, 1, None)]
    pulls = "SELECT day, first_day, pulls FROM mart.pull_day ORDER BY day"
    assert look(warehouse, pulls) == [(date, MONDAY, 1) for date in (MONDAY, TUESDAY, WEDNESDAY, FRIDAY)]


def test_an_account_is_known_by_all_its_names(warehouse: Engine) -> None:
    moved = msgspec.structs.replace(account(36, followers=2), handle="Bar.example")
    by_id = msgspec.structs.replace(account(60, followers=5), handle="bar.example")
    load(warehouse, [account(12, followers=1), post(12, likes=1)], load_id="1", ended=12)
    load(warehouse, [moved], load_id="2", ended=36, ref="@bar.example")
    load(warehouse, [by_id], load_id="3", ended=60, ref="DID:1")
    assert look(warehouse, "SELECT day, followers_gain FROM mart.account_day ORDER BY day") == [
        (MONDAY, None),
        (TUESDAY, 1),
        (WEDNESDAY, 3),
    ]
    assert look(warehouse, "SELECT day, likes_gain FROM mart.post_day ORDER BY day") == [
        (MONDAY, None),
        (TUESDAY, 0),
        (WEDNESDAY, 0),
    ]


# --- The website -----------------------------------------------------------------------------------------------------


def test_days_of_a_website_in_their_latest_revision(warehouse: Engine) -> None:
    load(warehouse, [web(25, "", 41), web(25, "", 12, metric="unique_visitors"), web(25, "", None, metric="bounces")],
         load_id="1", ended=25)  # fmt: skip
    load(warehouse, [web(49, "", 44), web(49, "spring", 0), web(49, "", 50, TUESDAY)], load_id="2", ended=49)
    query = """
        SELECT day, dimension, member, visits, unique_visitors, bounces, actions, day_values, observed_at
        FROM mart.web_day ORDER BY day, dimension, member
    """
    monday = {"visits": 44, "unique_visitors": 12, "bounces": None}
    assert look(warehouse, query) == [
        (MONDAY, "campaign", "spring", 0.0, None, None, None, {"visits": 0}, at(49)),
        (MONDAY, "total", "", 44.0, 12.0, None, None, monday, at(49)),
        (TUESDAY, "total", "", 50.0, None, None, None, {"visits": 50}, at(49)),
    ]
    assert look(warehouse, query, as_of=48) == [
        (MONDAY, "total", "", 41.0, 12.0, None, None, monday | {"visits": 41}, at(25))
    ]


def test_touchpoints_add_up_to_their_campaign(warehouse: Engine) -> None:
    load(
        warehouse,
        [
            web(25, "spring", 10), web(25, "spring/poster", 6), web(25, "spring/mail", 1),
            web(25, "spring", 4, metric="converted_visits"), web(25, "spring/poster", 4, metric="converted_visits"),
            web(25, "spring/mail", None, metric="converted_visits"),
            web(25, "autumn", 5), web(25, "autumn/poster", 5),
            web(25, "winter", 3),
            msgspec.structs.replace(web(25, "", 2), dimension="campaign", member="spring/sale"),
            web(25, "spring/sale/poster", 2),
        ],
        load_id="1", ended=25,
    )  # fmt: skip
    query = "SELECT campaign, touchpoint, visits, converted_visits FROM mart.campaign_day ORDER BY 1, 2"
    assert look(warehouse, query) == [
        ("autumn", "poster", 5.0, None),
        ("spring", "", 3.0, None),  # how many of them converted is not known: the mail's were not reported
        ("spring", "mail", 1.0, None),
        ("spring", "poster", 6.0, 4.0),
        ("spring/sale", "poster", 2.0, None),
        ("winter", "", 3.0, None),
    ]


# --- Conversation and sources ----------------------------------------------------------------------------------------


def test_who_was_answered_and_how_fast(warehouse: Engine) -> None:
    answer = msgspec.structs.replace(post(50, "c2", published=3.5, text="Thank you!"), reply_to="c1")
    pull(
        warehouse, 50,
        post(50),
        comment(50, "c1", published=3),
        comment(50, "c2", published=3.5, own=True, reply_to="c1", text="Thank you!"),
        comment(50, "c3", published=4, own=True, reply_to="c1", text="See you!"),
        comment(50, "c4", published=5, text="Open on Sunday?"),
        answer,  # the client's own feed shows it, too
        msgspec.structs.replace(post(50, "p9", published=6), reply_to="at://guest/1"),
    )  # fmt: skip
    pull(warehouse, 60, comment(60, "c4", published=5, text="Open on Sundays?"))
    query = """
        SELECT message_id, direction, written_at, post_id, reply_to, answered_at, minutes_to_answer, text
        FROM mart.conversation ORDER BY message_id
    """
    assert look(warehouse, query) == [
        ("c1", "in", at(3), "p1", None, at(3.5), 30.0, "Lovely!"),
        ("c2", "out", at(3.5), "p1", "c1", None, None, "Thank you!"),
        ("c3", "out", at(4), "p1", "c1", None, None, "See you!"),
        ("c4", "in", at(5), "p1", None, None, None, "Open on Sundays?"),
        ("p9", "out", at(6), None, "at://guest/1", None, None, "Fresh rolls"),
    ]
    assert look(warehouse, "SELECT text FROM mart.conversation WHERE message_id = 'c4'", as_of=55) == [
        ("Open on Sunday?",)
    ]
    [(author,)] = look(warehouse, "SELECT DISTINCT author FROM mart.conversation WHERE message_id = 'c1'")
    assert re.fullmatch("[0-9a-f]{64}", str(author))


def test_how_each_source_is(warehouse: Engine) -> None:
    def judged(load_id: str, ended: float, first: dt.date, last: dt.date, *colours: Colour) -> None:
        load_pull(
            warehouse, load_id=load_id, target=target(), window=Window(first, last), started_at=at(ended - 0.1),
            ended_at=at(ended), digest=load_id.encode(), recorded_at=at(ended),
            rows=[post(ended, likes=1), post(ended, "odd")],
            rejected=[Rejected(index=1, reason="odd")],
            verdicts=[
                DayVerdict(client_id=CLIENT, source="bluesky", ref="cafe.example", day=date, colour=colour,
                           reasons=() if colour == "green" else ("late",))
                for date, colour in zip((first, last), colours, strict=True)
            ],
        )  # fmt: skip

    judged("1", 30, MONDAY, TUESDAY, "green", "amber")
    judged("2", 100, THURSDAY, FRIDAY, "amber", "red")
    judged("3", 110, MONDAY, TUESDAY, "amber", "green")
    query = """
        SELECT ref, zone, pulled_at, age, pulls, first_day, last_day, days, days_left_out, rows_parsed, rows_held,
            replays_due, judged_day, colour, reasons, last_green_day
        FROM mart.source_health
    """
    found = look(warehouse, query, as_of=111)
    hour = dt.timedelta(hours=1)
    assert found == [
        (
            "cafe.example",
            "Europe/Berlin",
            at(110),
            hour,
            3,
            MONDAY,
            FRIDAY,
            4,
            1,
            2,
            1,
            0,
            FRIDAY,
            "red",
            ["late"],
            TUESDAY,
        )
    ]
    assert look(warehouse, query, as_of=31) == [
        (
            "cafe.example",
            "Europe/Berlin",
            at(30),
            hour,
            1,
            MONDAY,
            TUESDAY,
            2,
            0,
            2,
            1,
            0,
            TUESDAY,
            "amber",
            ["late"],
            MONDAY,
        )
    ]
    assert look(warehouse, query, as_of=29) == []


# --- As of a moment, across a change of definition, for one client ---------------------------------------------------


def test_what_came_late_was_not_known_then(warehouse: Engine) -> None:
    pull(warehouse, 60, post(60, likes=7))
    pull(warehouse, 36, post(36, likes=5), recorded=70)
    query = "SELECT day, likes, likes_gain FROM mart.post_day ORDER BY day"
    assert look(warehouse, query, as_of=65) == [(WEDNESDAY, 7, None)]
    assert look(warehouse, query) == [(TUESDAY, 5, None), (WEDNESDAY, 7, 2)]


def test_a_moment_that_is_none_is_refused(warehouse: Engine) -> None:
    with warehouse.begin() as connection:
        connection.execute(text("SET LOCAL widerview.as_of = 'last week'"))
        with pytest.raises(DBAPIError, match='invalid input syntax for type timestamp with time zone: "last week"'):
            rows(connection, "SELECT * FROM mart.post")


def test_posts_on_either_side_of_a_change_of_definition_say_so(warehouse: Engine) -> None:
    redefine(warehouse, "likes", "post", WEDNESDAY)
    pull(warehouse, 12, post(12, "old", likes=1), post(12, "running", likes=1))
    pull(warehouse, 36, post(36, "running", likes=2))
    pull(warehouse, 60, post(60, "running", likes=5, reposts=2))
    pull(warehouse, 84, post(84, "running", likes=6, reposts=2), post(84, "new", published=62, likes=3))
    assert dict(look(warehouse, "SELECT post_id, breaks FROM mart.post")) == {
        "old": [], "running": ["likes@1+2"], "new": ["likes@2"],
    }  # fmt: skip
    query = "SELECT day, likes, likes_gain, breaks FROM mart.post_day WHERE post_id = 'running' ORDER BY day"
    assert look(warehouse, query) == [
        (MONDAY, 1, None, []),
        (TUESDAY, 2, 1, []),
        (WEDNESDAY, 5, None, ["likes@1+2"]),  # half of the difference is that of two ways to count
        (THURSDAY, 6, 1, ["likes@1+2"]),
    ]


def test_days_on_either_side_of_a_change_of_definition_say_so(warehouse: Engine) -> None:
    redefine(warehouse, "followers", "account", TUESDAY)
    redefine(warehouse, "visits", "site_day", TUESDAY)
    redefine(warehouse, "bounces", "site_day", TUESDAY)
    load(warehouse, [account(12, followers=100), web(12, "", 9), web(12, "spring", 4)], load_id="1", ended=12)
    load(warehouse, [account(36, followers=120, following=3), web(36, "", 8, TUESDAY)], load_id="2", ended=36)
    load(warehouse, [account(60, followers=121, following=4), web(60, "spring", 4, WEDNESDAY)], load_id="3", ended=60)
    assert look(warehouse, "SELECT day, followers_gain, following_gain, breaks FROM mart.account_day ORDER BY day") == [
        (MONDAY, None, None, []),
        (TUESDAY, None, None, ["followers@2"]),
        (WEDNESDAY, 1, 1, ["followers@2"]),
    ]
    assert look(warehouse, "SELECT day, member, breaks FROM mart.web_day ORDER BY day, member") == [
        (MONDAY, "", []),
        (MONDAY, "spring", []),
        (TUESDAY, "", ["bounces@2", "visits@2"]),
        (WEDNESDAY, "spring", ["bounces@2", "visits@2"]),  # though it had no row on the day of the change
    ]
    assert look(warehouse, "SELECT day, breaks FROM mart.campaign_day ORDER BY day") == [
        (MONDAY, []),
        (WEDNESDAY, ["visits@2"]),
    ]


def test_an_analyst_may_see_all_clients(warehouse: Engine) -> None:
    fill(warehouse, CLIENT)
    fill(warehouse, OTHER)
    with warehouse.connect() as connection:  # and not committed: roles are the whole server's
        connection.execute(text(page_queries("CREATE ROLE analyst")[0]))
        connection.execute(text("SET LOCAL ROLE analyst"))
        for name in MARTS:
            assert set(rows(connection, f"SELECT client_id FROM mart.{name}")) == {(CLIENT,), (OTHER,)}, name


def test_completion_is_learnt_from_what_was_known_how_long_after_a_days_end(warehouse: Engine) -> None:
    # Monday ended at hour 23 (Berlin): half was known on the first day after it, nine tenths on the third.
    for hours, value in ((30, 50), (23 + 49, 90), (23 + 24 * 10, 100)):
        pull(warehouse, hours, day(hours, value))
    learnt = look(warehouse, "SELECT lag, share, days FROM mart.completion ORDER BY lag")
    assert learnt == [(0, 0.5, 1), (1, 0.5, 1)] + [(lag, 0.9, 1) for lag in range(2, 7)]


def fill(engine: Engine, client: str) -> None:
    ads = day(12, 3, dimension="touchpoint", member="spring/meta", client=client)
    ads = msgspec.structs.replace(ads, entity="folder", entity_id="shop", metric="claimed_conversions")
    pull(engine, 12, ads, post(12, client=client, likes=3), comment(12, client=client), day(12, 5, client=client),
         day(12, 2, dimension="campaign", member="spring", client=client),
         day(12, 3, dimension="asset", member="/market", client=client), client=client)  # fmt: skip


def test_every_mart_shows_one_client_only(warehouse: Engine) -> None:
    fill(warehouse, CLIENT)
    fill(warehouse, OTHER)
    for client in (CLIENT, OTHER):
        with client_snapshot(warehouse, client) as connection:
            for name in MARTS:
                assert set(rows(connection, f"SELECT client_id FROM mart.{name}")) == {(client,)}, name
    for name in MARTS:
        assert set(look(warehouse, f"SELECT client_id FROM mart.{name}")) == {(CLIENT,), (OTHER,)}, name
    with warehouse.begin() as connection:
        connection.execute(text("SET LOCAL ROLE widerview_report"))
        assert [rows(connection, f"SELECT * FROM mart.{name}") for name in MARTS] == [[]] * len(MARTS)


@pytest.mark.parametrize("name", MARTS)
def test_a_mart_reads_no_other_clients_rows(warehouse: Engine, name: str) -> None:
    fill(warehouse, CLIENT)
    [(plan,)] = look(warehouse, f"EXPLAIN (FORMAT JSON) SELECT * FROM mart.{name} WHERE client_id = '{CLIENT}'")
    scans = [node for node in nodes(plan) if "Relation Name" in node and node["Relation Name"] != "metric_definition"]
    assert scans
    for scan in scans:
        assert f"client_id = '{CLIENT}'" in json.dumps(scan), scan


def nodes(plan: object) -> list[dict[str, object]]:
    """The steps of a plan, each without those under it."""
    match plan:
        case list():
            return [node for part in plan for node in nodes(part)]
        case dict():
            own = {name: part for name, part in plan.items() if name not in {"Plan", "Plans"}}
            return [own, *nodes(plan.get("Plan", [])), *nodes(plan.get("Plans", []))]
    return []


# --- Made anew -------------------------------------------------------------------------------------------------------


def test_a_view_of_the_users_own_stays(warehouse: Engine) -> None:
    with warehouse.begin() as connection:
        connection.execute(text("CREATE VIEW mine AS SELECT post_id, likes FROM mart.post"))
    migrate(warehouse)
    assert look(warehouse, "SELECT * FROM mine") == []
    with pytest.raises(ValueError, match=r"view mine depends on view mart\.post"):
        downgrade(warehouse, "base")


def test_a_mart_with_other_columns_is_made_anew(warehouse: Engine) -> None:
    old = "DROP VIEW mart.source_health; CREATE VIEW mart.source_health AS SELECT 1 AS health"
    with warehouse.begin() as connection:
        connection.exec_driver_sql(f"{old}; CREATE VIEW mine AS SELECT * FROM mart.source_health")
    with pytest.raises(ValueError, match=r"view mine depends on view mart\.source_health.*nothing was changed"):
        migrate(warehouse)
    assert look(warehouse, "SELECT health FROM mine") == [(1,)]
    with warehouse.begin() as connection:
        connection.execute(text("DROP VIEW mine"))
    migrate(warehouse)
    assert look(warehouse, "SELECT colour FROM mart.source_health") == []


# --- On the sandbox's agency -----------------------------------------------------------------------------------------


CLIENTS = ["hollow-oak-bakery", "tidewater-cycles", "lantern-lane"]
NOW = SETTLED + dt.timedelta(days=1)
EVER = (dt.datetime(2000, 1, 1, tzinfo=dt.UTC), NOW)


@pytest.mark.parametrize("client", CLIENTS)
def test_posts_and_accounts_are_those_of_the_reports(told: House, client: str) -> None:
    with client_snapshot(told.engine, client) as connection:
        posts = read.posts(connection, client, NOW, *EVER)
        content = """
            SELECT source, post_id, text, permalink, tags, reply_to FROM mart.post
            ORDER BY published_at, source, post_id
        """
        assert rows(connection, content) == [
            (each.source, each.post_id, each.text, each.permalink, list(each.tags), each.reply_to) for each in posts
        ]

        counters = read.post_counters(connection, client, NOW, *EVER)
        counts = """
            SELECT source, post_id, metric, CAST(value AS bigint)
            FROM mart.post CROSS JOIN LATERAL jsonb_each_text(counts) AS counted (metric, value)
            ORDER BY source, post_id, metric
        """
        assert rows(connection, counts) == [(each.source, each.post_id, each.metric, each.value) for each in counters]
        likes = [(each.source, each.post_id, each.value) for each in counters if each.metric == "likes"]
        assert rows(connection, "SELECT source, post_id, likes FROM mart.post ORDER BY source, post_id") == likes
        assert rows(connection, "SELECT source, post_id, likes FROM mart.post_day ORDER BY source, post_id") == likes

        followers = """
            SELECT DISTINCT ON (source, account_id) source, account_id, followers
            FROM mart.account_day WHERE followers IS NOT NULL ORDER BY source, account_id, day DESC
        """
        assert rows(connection, followers) == [
            (each.source, each.account_id, each.value)
            for each in read.account_counters(connection, client, NOW, NOW)
            if each.metric == "followers"
        ]
        zone = told.agency.clients[client].zone
        asked_for = [each.reply_to for each in posts if each.published_at.astimezone(zone).date() >= FIRST]
        published = asked_for.count(None)
        sums = "SELECT coalesce(sum(published), 0), coalesce(sum(answered), 0) FROM mart.account_day"
        assert rows(connection, sums) == [(published, len(asked_for) - published)]
        answers = sum(each.reply_to is not None for each in posts)
        assert rows(connection, "SELECT count(*) FROM mart.conversation WHERE direction = 'out'") == [(answers,)]


@pytest.mark.parametrize("client", CLIENTS)
def test_visits_and_verdicts_are_those_of_the_reports(told: House, client: str) -> None:
    days = (FIRST, NOW.date())
    with client_snapshot(told.engine, client) as connection:
        visits = """
            SELECT source, site, day, member, visits FROM mart.web_day WHERE dimension = :dimension
            ORDER BY day, source, site, member
        """
        for dimension in ("total", "channel", "campaign", "touchpoint", "network"):
            found = read.day_values(connection, client, NOW, *days, "visits", dimension)
            assert rows(connection, visits, dimension=dimension) == [
                (each.source, each.entity_id, each.day, each.member, each.value) for each in found
            ]
        campaigns = read.day_values(connection, client, NOW, *days, "visits", "campaign")
        query = """
            SELECT day, source, campaign, sum(visits) FROM mart.campaign_day
            GROUP BY day, source, campaign ORDER BY day, source, campaign
        """
        assert rows(connection, query) == [(each.day, each.source, each.member, each.value) for each in campaigns]

        latest = {(each.source, each.ref): each for each in read.verdicts(connection, client, NOW, *days)}
        assert sorted(rows(connection, "SELECT source, ref, judged_day, colour FROM mart.source_health")) == sorted(
            (source, ref, verdict.day, verdict.colour) for (source, ref), verdict in latest.items()
        )


def test_the_key_of_each_mart_is_one(told: House) -> None:
    with snapshot(told.engine) as connection:
        for name in MARTS:
            key = ", ".join(mart(name).key)
            [(all_rows, keys)] = rows(connection, f"SELECT count(*), count(DISTINCT ({key})) FROM mart.{name}")
            assert all_rows == keys, name
            # What has been read only once has shown nothing of how it grows, and nobody has dropped anything.
            assert keys > 0 or name in {"completion", "asset_day", "ad_day"}
            nothing = " OR ".join(f"{column} IS NULL" for column in mart(name).key)
            assert rows(connection, f"SELECT count(*) FROM mart.{name} WHERE {nothing}") == [(0,)], name


def test_the_queries_of_the_page_answer(told: House) -> None:
    queries = page_queries("SELECT")
    assert len(queries) >= 5
    with client_snapshot(told.engine, "hollow-oak-bakery") as connection:
        for query in queries:
            assert rows(connection, query), query
