"""Forgetting leaves no row of the client in any table, and takes none of anybody else's."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from sqlalchemy import Engine, text
from warehouse_pulls import CLIENT, account, at, comment, counter, crisis, day, dump, load, post, remember_missing

from widerview.quality.verdict import Rejected
from widerview.warehouse import forget, retention
from widerview.warehouse.crises import save_crisis
from widerview.warehouse.read import account_counters, accounts, day_values, posts
from widerview.warehouse.tables import metadata
from widerview.warehouse.usage import DailyAllowance

OTHER = "meadow-bakery"
CLIENT_TABLES = {name for name, table in metadata.tables.items() if "client_id" in table.columns}
NEVER = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def fill(engine: Engine, client: str) -> None:
    rows = [
        account(1, client=client),
        post(1, client=client),
        post(1, "old", published=-24 * 365 * 8, client=client),
        counter(1, 5, client=client),
        comment(1, client=client),
        day(1, 3, client=client),
        day(1, -3, dimension="channel", member="x", client=client),
    ]
    load(
        engine,
        rows,
        load_id=f"pulls/bluesky/run/{client}/ref/1.json",
        ended=2,
        client=client,
        ref=f"{client}.example",
        rejected=[Rejected(index=6, reason="negative")],
    )
    with DailyAllowance(engine, client, "bluesky", calls=9, dollars=None, clock=lambda: at(2)) as allowance:
        allowance.call()
    with engine.begin() as connection:
        save_crisis(connection, crisis(client))
        remember_missing(connection, client)
        connection.execute(
            text(
                "INSERT INTO report (client_id, period, revision, as_of, facts) "
                "VALUES (:client, '2026-W46', 1, :at, '{}')"
            ),
            {"client": client, "at": at(3)},
        )
        connection.execute(
            text(
                "INSERT INTO outbox (client_id, period, revision, recipient, message_id, message, sha256, state, "
                "queued_at, changed_at) VALUES (:client, '2026-W46', 1, :to, 'm', '', '', 'sent', :at, :at)"
            ),
            {"client": client, "to": f"owner@{client}.example", "at": at(3)},
        )
        connection.execute(
            text(
                "INSERT INTO suppression (client_id, recipient, kind, since, detail) "
                "VALUES (:client, :to, 'unsubscribed', :at, '')"
            ),
            {"client": client, "to": f"owner@{client}.example", "at": at(3)},
        )


def remove(engine: Engine, client: str = CLIENT) -> dict[str, int]:
    with engine.begin() as connection:
        forget.lock_client(connection, client)
        return forget.remove_rows(connection, client)


def test_every_table_is_emptied_of_the_client_and_of_nobody_else(warehouse: Engine) -> None:
    fill(warehouse, CLIENT)
    fill(warehouse, OTHER)
    with warehouse.connect() as connection:
        others = forget.count_rows(connection, OTHER)
    kept = dump(warehouse, OTHER)
    removed = remove(warehouse)
    assert set(removed) == CLIENT_TABLES
    assert all(removed.values()), "each table had rows of the client: the salt and the oldest partition included"
    with warehouse.connect() as connection:
        assert set(forget.count_rows(connection, CLIENT).values()) == {0}
        assert forget.count_rows(connection, OTHER) == others
        assert forget.search(connection, CLIENT) == {}
    assert dump(warehouse, OTHER) == kept
    assert set(remove(warehouse).values()) == {0}


def test_a_table_that_nobody_has_thought_of_is_found(warehouse: Engine) -> None:
    with warehouse.begin() as connection:
        connection.execute(text('CREATE TABLE "odd name" (client_id text, note bytea, "said so" text[])'))
        connection.execute(
            text("""INSERT INTO "odd name" VALUES ('harbour-cafe', '\\x00', NULL), ('x', 'to harbour-cafe', '{a,b}')""")
        )
    assert remove(warehouse)["odd name"] == 1
    with warehouse.connect() as connection:
        assert forget.search(connection, CLIENT) == {"odd name.note": 1}


def test_the_names_of_a_client_are_its_handles_and_its_recipients(warehouse: Engine) -> None:
    fill(warehouse, CLIENT)
    with warehouse.connect() as connection:
        names = forget.client_names(connection, CLIENT)
    assert names == {"cafe.example", "harbour-cafe.example", "owner@harbour-cafe.example"}


def test_a_search_finds_text_in_every_kind_of_column(warehouse: Engine) -> None:
    fill(warehouse, OTHER)
    load(warehouse, [post(3, "p2", text="With Owner@Harbour-Cafe.example", tags=("owner@harbour-cafe.example",),
                          client=OTHER)], load_id="two", ended=4, client=OTHER)  # fmt: skip
    with warehouse.begin() as connection:
        connection.execute(text("""UPDATE report SET facts = '{"to": ["owner@harbour-cafe.example"]}'"""))
        connection.execute(text("UPDATE outbox SET message = 'To: owner@harbour-cafe.example'"))
        found = forget.search(connection, "owner@harbour-cafe")
    assert found == {"post.text": 1, "post.tags": 1, "report.facts": 1, "outbox.message": 1}


def test_a_load_of_the_client_waits_until_it_is_forgotten(warehouse: Engine) -> None:
    fill(warehouse, CLIENT)
    started = Event()

    def rows():
        with warehouse.connect() as looking:
            assert set(forget.count_rows(looking, CLIENT).values()) == {0}, "the load waited for the lock"
        yield from ()
        raise FileNotFoundError("its answers are gone")

    def late_load() -> None:
        started.set()
        load(warehouse, rows(), load_id="late", ended=9)

    with ThreadPoolExecutor(1) as pool:
        with warehouse.begin() as connection:
            forget.lock_client(connection, CLIENT)
            late = pool.submit(late_load)
            started.wait()
            forget.remove_rows(connection, CLIENT)
        with pytest.raises(FileNotFoundError):
            late.result()
    with warehouse.connect() as connection:
        assert set(forget.count_rows(connection, CLIENT).values()) == {0}


@pytest.mark.parametrize(
    ("today", "months", "first"),
    [
        (dt.date(2026, 11, 22), 60, dt.date(2021, 11, 1)),
        (dt.date(2026, 1, 1), 1, dt.date(2025, 12, 1)),
        (dt.date(2026, 12, 31), 12, dt.date(2025, 12, 1)),
    ],
)
def test_the_first_month_that_is_kept(today: dt.date, months: int, first: dt.date) -> None:
    assert retention.first_month(today, months) == first


def partitions(engine: Engine, table: str) -> set[str]:
    with engine.connect() as connection:
        return set(
            connection.scalars(
                text("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = CAST(:table AS regclass)"),
                {"table": table},
            )
        )


MONTH = 24 * 31
HISTORY = [
    post(1, "old", published=-24 * 365 * 8),
    post(1, "spring", published=-5 * MONTH),
    post(1, "now"),
    comment(1, "spring", published=-5 * MONTH),
    comment(1, "now"),
    day(1, 3, dt.date(2026, 6, 9)),
    day(1, 4),
]


def test_what_is_older_than_it_is_kept_goes_and_the_rest_stays(warehouse: Engine) -> None:
    load(warehouse, HISTORY, load_id="one", ended=2)
    first = dt.date(2026, 8, 1)
    would = retention.expire(warehouse, first, NEVER, dry_run=True)
    before = dump(warehouse)
    gone = retention.expire(warehouse, first, NEVER)
    assert gone == would
    assert +gone == {
        "post_2026_06": 1, "comment_2026_06": 1, "day_value_2026_06": 1, "post_older": 1,
    }  # fmt: skip
    assert partitions(warehouse, "post") == {"post_older", "post_2026_11"}
    after = dump(warehouse)
    assert {table: len(before[table]) - len(rows) for table, rows in after.items()} == {
        "account": 0, "post": 2, "comment": 1, "day_value": 1, "load": 0, "quarantine": 0, "verdict": 0,
    }  # fmt: skip
    assert +retention.expire(warehouse, first, NEVER) == {}
    load(warehouse, [post(5, "spring", published=-5 * MONTH)], load_id="two", ended=6)
    assert "post_2026_06" in partitions(warehouse, "post"), "the load makes it again"


def test_pulls_and_verdicts_of_old_go_too(warehouse: Engine) -> None:
    load(warehouse, [day(1, -1)], load_id="one", ended=2, rejected=[Rejected(index=0, reason="negative")])
    load(warehouse, [day(3, 5)], load_id="two", ended=4)
    gone = retention.expire(warehouse, dt.date(2026, 12, 1), NEVER)
    assert +gone == {"day_value_2026_11": 1, "load": 1, "quarantine": 1, "verdict": 2}
    with warehouse.connect() as connection:  # the latest stays: it says that the target is known, and its zone
        assert connection.scalars(text("SELECT load_id FROM load")).all() == ["two"]


def test_a_pull_without_answers_is_no_longer_due_to_be_loaded_again(warehouse: Engine) -> None:
    load(warehouse, [], load_id="one", ended=2)
    with warehouse.begin() as connection:
        connection.execute(text("UPDATE load SET replay_due = true"))
    for raw_since, due in ((at(1), True), (at(2), False)):
        retention.expire(warehouse, dt.date(2026, 1, 1), raw_since)
        with warehouse.connect() as connection:
            assert connection.scalar(text("SELECT replay_due FROM load")) is due


def test_of_accounts_everything_is_known_from_the_first_month_on_as_before(warehouse: Engine) -> None:
    first = at(24 * 22)  # the first of December
    observations = [
        (1, account(1, "Café")),
        (2, counter(2, 10, "did:1", "followers")),
        (3, counter(3, 3, "did:1", "posts")),
        (4, counter(4, None, "did:1", "followers")),
        (5, counter(5, 12, "did:1", "followers")),
        (6, account(6, "The Café")),
        (24 * 23, counter(24 * 23, 13, "did:1", "followers")),
        (24 * 24, counter(24 * 24, 4, "did:1", "posts")),
    ]
    for hours, row in observations:
        load(warehouse, [row], load_id=str(hours), ended=hours)
    # observed before, recorded after: what was known at the beginning of the month lacks it
    load(warehouse, [counter(5.5, 11, "did:1", "followers")], load_id="late", ended=5.6, recorded=24 * 25)

    def known() -> list[object]:
        moments = [first, at(24 * 23), at(24 * 24), at(24 * 26)]
        with warehouse.connect() as connection:
            return [
                [
                    (reading(connection, CLIENT, as_of, *at_moment))
                    for reading, at_moment in ((account_counters, (moment,)), (accounts, ()))
                ]
                for as_of in moments
                for moment in moments
            ]

    before = known()
    gone = retention.expire(warehouse, first.date(), NEVER)
    assert gone["account"] == 3, "the first profile, and followers as they were at first and then not told"
    assert known() == before


def test_reports_of_kept_months_read_the_same(warehouse: Engine) -> None:
    load(warehouse, HISTORY, load_id="one", ended=2)

    def read() -> list[object]:
        with warehouse.connect() as connection:
            return [
                posts(connection, CLIENT, at(9), at(-24 * 60), at(24)),
                day_values(connection, CLIENT, at(9), dt.date(2026, 9, 1), dt.date(2026, 12, 1), "visits", "total"),
            ]

    before = read()
    retention.expire(warehouse, dt.date(2026, 8, 1), NEVER)
    assert read() == before
