"""Reports: numbered, decided once, given back as they were saved."""

import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import Engine
from warehouse_pulls import CLIENT, at

from widerview.warehouse.reports import AlreadyDecided, get_report, record_decision, save_report

WEEK = "2026-W46"


def facts(visits: float = 127.5, revision: int = 0) -> str:
    return json.dumps({"client_id": CLIENT, "revision": revision, "visits": visits, "name": 'Café "Quay" 🎺 \\u'})


def save(engine: Engine, what: str | bytes, hour: float = 30, period: str = WEEK) -> int:
    with engine.begin() as connection:
        return save_report(connection, what, CLIENT, period, at(hour))


def decide(engine: Engine, decision: str, revision: int = 1) -> None:
    with engine.begin() as connection:
        record_decision(
            connection, CLIENT, WEEK, revision, decision, decided_by="mira", decided_at=at(31), note="Lovely week"
        )  # type: ignore[arg-type]  # Literal


def test_revisions_count_up_and_stand_in_the_facts(warehouse: Engine) -> None:
    assert [save(warehouse, facts()), save(warehouse, facts(140).encode(), 31)] == [1, 2]
    assert save(warehouse, facts(), period="2026-W47") == 1
    with warehouse.connect() as connection:
        first = get_report(connection, CLIENT, WEEK, 1)
        latest = get_report(connection, CLIENT, WEEK)
        assert get_report(connection, CLIENT, WEEK, 3) is None
        assert get_report(connection, "quay-gym", WEEK) is None
    assert first and latest
    assert json.loads(first.facts) == json.loads(facts(revision=1))
    assert json.loads(latest.facts) == json.loads(facts(140, revision=2))
    assert (latest.revision, latest.as_of, latest.decision, latest.note) == (2, at(31), None, None)


def test_the_same_report_is_saved_once_unless_rejected(warehouse: Engine) -> None:
    assert [save(warehouse, facts()), save(warehouse, facts(revision=7))] == [1, 1]
    decide(warehouse, "Approve")
    assert save(warehouse, facts()) == 1
    assert save(warehouse, facts(), hour=31) == 2
    decide(warehouse, "Reject", 2)
    assert save(warehouse, facts(), hour=31) == 3


def test_many_at_once_get_a_number_each(warehouse: Engine) -> None:
    start = Barrier(6)

    def run(number: int) -> int:
        start.wait()
        return save(warehouse, facts(number), hour=number)

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(run, range(6))) == [1, 2, 3, 4, 5, 6]


def test_the_first_decision_stands(warehouse: Engine) -> None:
    save(warehouse, facts())
    decide(warehouse, "Approve")
    decide(warehouse, "Approve")
    with pytest.raises(AlreadyDecided, match="already decided by mira: Approve"):
        decide(warehouse, "Reject")
    with warehouse.connect() as connection:
        report = get_report(connection, CLIENT, WEEK)
    assert report
    assert (report.decision, report.decided_by, report.decided_at, report.note) == (
        "Approve", "mira", at(31), "Lovely week"
    )  # fmt: skip


def test_a_decision_on_no_report_is_a_mistake(warehouse: Engine) -> None:
    with pytest.raises(LookupError, match="no report 2026-W46 revision 4 of client harbour-cafe"):
        decide(warehouse, "Approve", 4)
