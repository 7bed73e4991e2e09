"""Comments: who wrote them is known to nobody, only that it was the same person again."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import msgspec
from sqlalchemy import Engine, text
from warehouse_pulls import CLIENT, MONDAY, at, comment, dump, load, target

from widerview.quality.verdict import Rejected
from widerview.sources.base import Window
from widerview.warehouse import read
from widerview.warehouse.load import load_pull

AUTHOR = "did:plc:somebody-with-a-name"


def author_of(engine: Engine, client: str = CLIENT, place: int = 0) -> str:
    return str(dump(engine, client)["comment"][place][7])


def test_no_author_stands_anywhere_in_the_database(warehouse: Engine) -> None:
    rows = [comment(1, author=AUTHOR), comment(1, "c2", author=AUTHOR)]
    load(warehouse, rows, load_id="one", ended=1, rejected=[Rejected(index=1, reason="odd")])
    with warehouse.connect() as connection:
        tables = connection.scalars(
            text("SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace")
        ).all()
        assert {"comment", "comment_2026_11", "quarantine", "client_salt"} <= set(tables)
        everything = {
            name: "\n".join(connection.scalars(text(f"SELECT CAST(each AS text) FROM {name} AS each")))
            for name in tables
        }
    assert "Lovely!" in everything["comment"]
    assert "Lovely!" in everything["quarantine"]
    told = f"{AUTHOR} {AUTHOR.encode().hex()} somebody-with-a-name".split()
    assert [name for name, content in everything.items() if any(each in content for each in told)] == []


def test_the_same_author_has_the_same_hash_within_a_client_only(warehouse: Engine) -> None:
    for client in (CLIENT, "quay-gym"):
        first = [comment(1, author=AUTHOR, client=client), comment(1, "c2", author="did:other", client=client)]
        load(warehouse, first, load_id="one", ended=1, client=client)
        load(warehouse, [comment(30, "c3", author=AUTHOR, client=client)], load_id="two", ended=30, client=client)
    one, other, again = (author_of(warehouse, place=place) for place in range(3))
    assert one == again
    assert one != other
    assert author_of(warehouse, "quay-gym") not in {one, other}
    assert len(bytes.fromhex(one)) == 32


def test_an_author_of_another_platform_is_another_one(warehouse: Engine) -> None:
    load(warehouse, [comment(1, author=AUTHOR)], load_id="one", ended=1)
    from_mastodon(warehouse)
    assert author_of(warehouse, place=0) != author_of(warehouse, place=1)


def from_mastodon(engine: Engine) -> None:
    load_pull(
        engine,
        load_id="toots",
        target=msgspec.structs.replace(target(), source="mastodon"),
        window=Window(MONDAY, MONDAY),
        started_at=at(0),
        ended_at=at(1),
        digest=b"toots",
        rows=[msgspec.structs.replace(comment(1, author=AUTHOR), source="mastodon")],
    )


def test_an_edited_comment_is_a_second_row(warehouse: Engine) -> None:
    load(warehouse, [comment(1)], load_id="one", ended=1)
    load(warehouse, [comment(2)], load_id="two", ended=2)
    load(warehouse, [comment(3, text="Lovely!!", reply_to="c0", own=True)], load_id="three", ended=3)
    found = dump(warehouse)["comment"]
    assert [(row[3], row[8], row[9], row[11]) for row in found] == [
        (at(1), False, "Lovely!", None), (at(3), True, "Lovely!!", "c0")
    ]  # fmt: skip
    assert author_of(warehouse, place=0) == author_of(warehouse, place=1)


def test_two_sources_may_bring_a_clients_first_comments_at_once(
    warehouse: Engine, until_waiting: Callable[[Engine], None]
) -> None:
    with ThreadPoolExecutor(1) as pool:
        with warehouse.begin() as connection:
            load_pull(
                connection, load_id="one", target=target(), window=Window(MONDAY, MONDAY), started_at=at(0),
                ended_at=at(1), digest=b"one", rows=[comment(1, author=AUTHOR)],
            )  # fmt: skip
            second = pool.submit(from_mastodon, warehouse)
            until_waiting(warehouse)
        second.result(30)
    load(warehouse, [comment(2, "c2", author=AUTHOR)], load_id="two", ended=2)
    assert [row[0] for row in dump(warehouse)["comment"]] == ["bluesky", "bluesky", "mastodon"]
    assert author_of(warehouse, place=0) == author_of(warehouse, place=1), "one salt, kept"


def test_a_conversation_is_answered_by_the_first_answer_to_what_began_it(warehouse: Engine) -> None:
    rows = [
        comment(9, "asked", published=1),
        comment(9, "answer", published=4, own=True, reply_to="asked"),
        comment(9, "later", published=6, own=True, reply_to="asked"),
        comment(9, "thanks", published=7, reply_to="answer"),
        comment(9, "waits", published=2),
        comment(9, "under it", published=3, own=True),
        comment(9, "next week", published=200),
    ]
    load(warehouse, rows, load_id="one", ended=9)
    load(warehouse, [comment(30, "late", published=8, own=True, reply_to="waits")], load_id="two", ended=30)
    load(warehouse, [comment(9, "theirs", client="quay-gym")], load_id="one", ended=9, client="quay-gym")

    def received(as_of: float) -> list[tuple[object, ...]]:
        with warehouse.connect() as connection:
            found = read.received_messages(connection, CLIENT, at(as_of), at(0), at(100))
        return [(each.message_id, each.written_at, each.answered_at) for each in found]

    assert received(as_of=0) == []
    assert received(as_of=10) == [("asked", at(1), at(4)), ("waits", at(2), None)]
    assert received(as_of=31) == [("asked", at(1), at(4)), ("waits", at(2), at(8))]
