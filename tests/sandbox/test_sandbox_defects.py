"""Every defect changes what it names and nothing else, and the same way each time."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from widerview.agency.load import load_agency
from widerview.pipeline.connections import Access
from widerview.pipeline.ingest import http_client, targets
from widerview.sandbox import access_log
from widerview.sandbox.answer import Answer, Call, FaultAnswers, Handler
from widerview.sandbox.clients import write_clients
from widerview.sandbox.connections import connections
from widerview.sandbox.defects import DEFECTS
from widerview.sandbox.faults import FAULTS, Faults, Injection
from widerview.sandbox.model import Simulation
from widerview.sources.base import Window
from widerview.sources.registry import SOURCES

ANCHOR = dt.date(2026, 11, 16)
NOW = dt.datetime(2026, 11, 24, 8, tzinfo=dt.UTC)


class Asked(NamedTuple):
    """A question that a source has put to the sandbox."""

    handler: Handler
    call: Call
    own: FaultAnswers | None
    honest: Answer


class Recorder(Faults):
    """Faults that note what is asked, by route."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: defaultdict[str, list[Asked]] = defaultdict(list)

    def spoil(
        self, route: str, handler: Handler, model: Simulation, call: Call, own: FaultAnswers | None = None
    ) -> Answer:
        answer = super().spoil(route, handler, model, call, own)
        self.asked[route].append(Asked(handler, call, own, answer))
        return answer


@pytest.fixture(scope="module")
def asked(model, serving_with, tmp_path_factory) -> Iterator[dict[str, list[Asked]]]:
    """What all sources ask in a pull of all clients' accounts over a week."""
    recorder, folder = Recorder(), tmp_path_factory.mktemp("agency")
    write_clients(folder / "clients", ANCHOR)
    clients = load_agency(folder / "clients").clients.values()
    window = Window(ANCHOR - dt.timedelta(days=9), ANCHOR - dt.timedelta(days=1))
    with serving_with(model, recorder) as served:
        served.now = NOW
        doors = connections(str(served.http.base_url).rstrip("/"))
        for name, source in SOURCES.items():
            for target in [target for client in clients for target in targets(client, name) if target.connection]:
                door = doors[target.connection or ""]
                access = Access(base_url=door["host"], token=door.get("password"), login=door.get("login"))
                list(source.fetch(target, window, http_client(source, target, access, clock=lambda: NOW)))
    access_log.write_logs(
        model, "tidewater-cycles", folder, first=window.first, last=window.last, now=NOW, faults=recorder
    )
    yield recorder.asked


def told(model: Simulation, defect: str, route: str, question: Asked) -> Answer:
    faults = Faults()
    faults.inject(Injection(route="*", fault=defect))
    return faults.spoil(route, remembered(question), model, question.call, question.own)


def remembered(question: Asked) -> Handler:
    """Gives the same question the answer it had, which is quicker than to make it anew."""
    return lambda model, call: question.honest if call is question.call else question.handler(model, call)


@pytest.mark.parametrize("name", DEFECTS)
def test_a_defect_changes_an_answer_of_each_route_it_names_and_the_same_way_again(name, model, asked) -> None:
    for pattern in {change.route for change in DEFECTS[name].changes}:
        questions = [(route, question) for route in asked if fnmatchcase(route, pattern) for question in asked[route]]
        assert questions, f"no source asks {pattern}"
        spoilt = next((each for each in questions if told(model, name, *each) != each[1].honest), None)
        assert spoilt, f"{name} changes nothing of {pattern}"
        assert told(model, name, *spoilt).status == 200 or name == "metric_retired"
        assert told(model, name, *spoilt) == told(model, name, *spoilt)


@pytest.mark.parametrize("name", DEFECTS)
def test_a_defect_leaves_other_routes_alone(name, model, asked) -> None:
    for route, questions in asked.items():
        if not DEFECTS[name].concerns(route):
            assert told(model, name, route, questions[0]) == questions[0].honest


def test_a_route_that_a_defect_does_not_name_uses_none_of_its_times(model, asked) -> None:
    faults = Faults()
    faults.inject(Injection(route="*", fault="likes_in_thousands", times=1))

    def tell(route: str) -> Any:
        question = asked[route][0]
        return faults.spoil(route, remembered(question), model, question.call, question.own) != question.honest

    assert not tell("bluesky.getProfile")
    assert tell("bluesky.getAuthorFeed")
    assert not tell("bluesky.getAuthorFeed")


def test_every_defect_is_a_fault_and_says_what_is_wrong() -> None:
    assert set(DEFECTS) <= set(FAULTS)
    assert len({defect.says for defect in DEFECTS.values()}) == len(DEFECTS) > 50
    # What people put into a drop folder is no answer of a platform that could be a wrong one.
    asked = {name for name, source in SOURCES.items() if source.kind != "offline"}
    assert {source for defect in DEFECTS.values() for source in defect.sources} == asked


def test_every_defect_stands_in_the_docs() -> None:
    page = (Path(__file__).parents[2] / "docs/sandbox.md").read_text()
    for name, defect in DEFECTS.items():
        assert f"| `{name}` | {defect.says} | {', '.join(defect.sources)} |" in page
