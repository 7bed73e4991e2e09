"""Receipts of what a campaign came to, of goals, and of a client with platforms that tell of reach and shares."""

import datetime as dt
import json
from collections.abc import Iterator, Mapping

import numpy as np
import pytest

from figures_in_text import distinct, without_receipt
from house import ANCHOR, FIRST, SETTLED, SPINE, House, Sandbox, open_house
from widerview.agency.models import Client
from widerview.measures.effect import NoEstimate, effect
from widerview.measures.goals import pace
from widerview.measures.weeks import Week
from widerview.pipeline import weekly
from widerview.pipeline.explain import Explained, receipts
from widerview.report.receipts import KINDS, PrintedNumber, printed_numbers
from widerview.sandbox.clients import write_drop_files
from widerview.sources.base import Window

WEEK = Week.parse("2026-W46")
BAKERY = "hollow-oak-bakery"
TABLE = "campaign/winter-loaf"
GOALS = [
    {"metric": "visits", "target": 25_000, "starts": "2026-11-02", "ends": "2026-11-29"},
    {"metric": "passed_on", "target": 900, "starts": "2026-11-09", "ends": "2026-12-06"},
]
Found = Mapping[str, Mapping[str, tuple[PrintedNumber, Explained]]]


@pytest.fixture(scope="module")
def dropped(postgres, sandbox_server: Sandbox, tmp_path_factory) -> Iterator[House]:
    """A house that has read some platforms, the websites and the bakery's drop folder."""
    folder = tmp_path_factory.mktemp("receipts")
    with open_house(
        postgres, sandbox_server, folder, SETTLED, platforms=(*SPINE, "drop_folder", "instagram", "facebook")
    ) as house:
        write_drop_files(sandbox_server.model, folder / "drop_folders", SETTLED)
        house.ingest(Window(FIRST, ANCHOR + dt.timedelta(days=7)), "all")
        yield house


def with_goals(client: Client) -> Client:
    made = client.model_dump(mode="json", exclude_none=True)
    return Client.model_validate_json(json.dumps(made | {"goals": GOALS}), strict=True)


@pytest.fixture(scope="module")
def found(dropped: House) -> Found:
    """Every number of the reports to all clients, with its receipt, by client and id."""
    every = {}
    for name, client in dropped.agency.clients.items():
        facts = weekly.save(dropped.engine, weekly.compose_facts(dropped.engine, with_goals(client), WEEK, SETTLED))
        assert without_receipt(facts) == []
        assert without_receipt(distinct(facts)) == []
        with receipts(dropped.engine, dropped.landing, name, WEEK, facts.revision) as opened:
            every[name] = {each.id: (each, opened.explain(each.id)) for each in printed_numbers(facts).values()}
    return every


def test_each_number_of_each_client_has_rows_or_inputs(found: Found) -> None:
    for client, numbers in found.items():
        for name, (number, receipt) in numbers.items():
            assert {row.receipt for row in receipt.rows} == {answer.sha256 for answer in receipt.answers}, (
                client,
                name,
            )
            if number.kind not in {"chosen", "file"} and number.value:
                assert receipt.rows or receipt.inputs, (client, name)
    kinds = {number.kind for numbers in found.values() for number, _ in numbers.values()}
    assert KINDS.keys() - kinds == {"past post", "change", "year", "correction"}


def test_a_campaigns_numbers_are_their_rows(found: Found) -> None:
    table = {name: each for name, each in found[BAKERY].items() if name.startswith(TABLE)}
    added = {
        name: receipt
        for name, (number, receipt) in table.items()
        if receipt.rows and "/cost" not in name and "landing" not in name and "/reach/" not in name
    }
    assert len(added) >= 30
    for name, receipt in added.items():
        assert receipt.how in {"These are added up.", "These are counted."}, name
        assert sum(row.value or 0 for row in receipt.rows) == pytest.approx(receipt.value), name
    for name in (f"{TABLE}/social/reach/facebook/week", f"{TABLE}/social/reach/instagram/so-far"):
        assert table[name][1].how == "It is the largest of these.", name
    landings = table[f"{TABLE}/website/untagged_landing_visits/week"][1]
    every, tagged = (
        sum(row.value or 0 for row in landings.rows if row.metric == metric)
        for metric in ("landing_visits", "tagged_landing_visits")
    )
    assert every - tagged == landings.value


def test_what_lies_in_a_file_is_found_by_when_it_was_saved(found: Found) -> None:
    _, receipt = found[BAKERY][f"{TABLE}/offline/attendance/bake-along/week"]
    [answer] = receipt.answers
    assert answer.pull.startswith("pulls/drop_folder/")
    assert answer.fetched_at < SETTLED, "when it was saved, before any pull"


def test_the_effect_comes_of_the_days_that_are_named(found: Found) -> None:
    number, receipt = found[BAKERY][f"{TABLE}/effect"]
    days = [each.value for each in receipt.inputs if each.id.startswith("visits@")]
    others = [each.value for each in receipt.inputs if not each.id.startswith("visits@")]
    first = next(place for place, each in enumerate(receipt.inputs) if each.id == "visits@2026-11-02")
    target = np.array(days, dtype=float)
    controls = np.array(others, dtype=float).reshape(-1, len(days))
    again = effect(target, np.where(np.isnan(target), np.nan, controls), first)
    assert not isinstance(again, NoEstimate)
    assert (again.average, again.low, again.high) == pytest.approx(number.value, abs=1e-3)


def test_a_goal_comes_of_the_weeks_that_are_named(found: Found) -> None:
    number, receipt = found["tidewater-cycles"]["goal/1/likely"]
    so_far, target, *weeks = [each.value for each in receipt.inputs]
    again = pace(target, so_far, np.array(weeks, dtype=float), 2.0)
    assert again
    assert (again.low, again.high) == pytest.approx(number.value, abs=1e-3)
