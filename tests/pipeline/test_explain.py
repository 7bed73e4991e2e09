"""Every figure of a sent report leads back to what the platforms had answered, or says loudly that it does not."""

import datetime as dt
import gzip
import hashlib
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import text

from figures_in_text import distinct, without_receipt
from house import SETTLED, House
from sent_reports import send_report
from widerview.landing.store import Corrupt, Landing, Missing
from widerview.measures.posts import PostCount, best_posts
from widerview.measures.usual import usual_ranges, usual_weekdays
from widerview.measures.weeks import Week
from widerview.pipeline import weekly
from widerview.pipeline.explain import Explained, NoReceipt, explain, numbers, receipts
from widerview.pipeline.observed import Input
from widerview.warehouse.reports import Report, get_report

WEEK = Week.parse("2026-W46")
BAKERY = "hollow-oak-bakery"


@pytest.fixture
def sent(told: House, tmp_path: Path) -> House:
    """A house that has sent a report, with a landing of its own."""
    shutil.copytree(told.root / "landing", tmp_path / "landing")
    send_report(told, BAKERY, WEEK, SETTLED)
    return replace(told, landing=Landing(tmp_path / "landing"), root=tmp_path)


def get_kept(house: House) -> Report:
    with house.engine.connect() as connection:
        report = get_report(connection, BAKERY, str(WEEK))
    assert report
    return report


def explained(house: House, figure: str) -> Explained:
    return explain(house.engine, house.landing, BAKERY, WEEK, figure)


def raw_file(house: House, found: Explained) -> Path:
    return house.root / "landing" / found.answers[0].raw.partition("#")[0]


def test_every_number_that_the_mail_prints_has_a_receipt(sent: House) -> None:
    [report] = [weekly.facts_of(get_kept(sent))]
    assert without_receipt(report) == []
    assert without_receipt(distinct(report)) == []
    known = numbers(sent.engine, BAKERY, WEEK)
    assert {each.kind for each in known.values()} >= {
        "series", "posts", "followers", "post", "messages", "campaign", "usual", "weekday", "lift", "chosen",
    }  # fmt: skip
    with receipts(sent.engine, sent.landing, BAKERY, WEEK) as opened:
        receipt_of = {name: opened.explain(name) for name in known}
    for name, number in known.items():
        found = receipt_of[name]
        assert (found.value, found.printed) == (number.value, number.text), name
        assert {row.receipt for row in found.rows} == {answer.sha256 for answer in found.answers}, name
        assert all("SELECT" in query and f"client_id = {BAKERY}" in query for query in found.sql), name
        assert found.rows or found.inputs or found.value in {None, 0} or number.kind in {"chosen", "file"}, name


def test_what_a_formula_was_given_gives_what_the_mail_printed(sent: House) -> None:
    """Each week, day and post that is an input is what the rows give, and the formula makes the number of them."""
    with receipts(sent.engine, sent.landing, BAKERY, WEEK) as opened:
        given = {name: opened.explain(name).inputs for name in numbers(sent.engine, BAKERY, WEEK)}
        values = {each.id: each.value for inputs in given.values() for each in inputs}
        for name in [*values][::7]:
            found = opened.explain(name)
            assert found.value == values[name], name
            assert found.rows or found.inputs or not found.value, name
    facts = weekly.facts_of(get_kept(sent))
    for figure in facts.figures:
        if figure.usual:
            series = by_series(given[f"{figure.id}/usual"])
            counted = series.pop("counted", [1])
            range_ = usual_ranges(series, {"reactions_per_post": counted[-1]})[figure.id]
            assert range_
            assert (range_.low, range_.high) == pytest.approx((figure.usual.low, figure.usual.high))
    assert facts.chart
    for point in facts.chart.points:
        days = {dt.date.fromisoformat(each.id.split("@")[1]): each.value for each in given[f"chart/{point.day}/usual"]}
        assert usual_weekdays(days)[point.day.weekday()] == pytest.approx((point.low, point.high))
    lifted = [name for name in given if name.startswith("post/") and name.endswith("/times")]
    for name in lifted:
        post, *past = [PostCount("alike", each.value, 1.0) for each in given[name]]
        [standing] = best_posts([post], past)
        known = numbers(sent.engine, BAKERY, WEEK)[name].value
        assert (standing.lift, standing.low, standing.high) == pytest.approx(known, abs=1e-3)
    assert lifted


def by_series(inputs: Sequence[Input]) -> dict[str, list[Any]]:
    series: dict[str, list[Any]] = {}
    for each in inputs:
        series.setdefault(each.id.partition("@")[0], []).append(each.value)
    return series


def test_a_receipt_shows_the_answer_that_lies_in_landing(sent: House) -> None:
    found = explained(sent, "visits")
    assert (found.definition, len(found.rows)) == ("visits@1", 7)
    assert sum(row.value or 0 for row in found.rows) == found.value
    for answer in found.answers:
        assert answer.request.startswith("POST http")
        assert answer.fetched_at == SETTLED
        pull = sent.landing.read_pull(answer.pull)
        bodies = {hashlib.sha256(page.body).hexdigest() for page in sent.landing.pages(pull)}
        assert answer.sha256 in bodies


def test_a_raw_answer_that_was_changed_is_found(sent: House) -> None:
    file = raw_file(sent, explained(sent, "visits"))
    file.write_bytes(gzip.compress(gzip.decompress(file.read_bytes()).replace(b'"nb_visits":', b'"nb_visitz":')))
    with pytest.raises(Corrupt, match="hold one with the sha256"):
        explained(sent, "visits")


def test_an_answer_changed_together_with_its_manifest_is_found(sent: House) -> None:
    before = explained(sent, "visits").answers[0]
    manifest = sent.root / "landing" / before.pull
    pull = sent.landing.read_pull(before.pull)
    bodies = [page.body.replace(b'"nb_visits":', b'"nb_visitz":') for page in sent.landing.pages(pull)]
    file = sent.root / "landing" / before.raw.partition("#")[0]
    file.write_bytes(gzip.compress(b"".join(bodies)))
    entries = tuple(
        msgspec.structs.replace(entry, sha256=hashlib.sha256(body).hexdigest())
        for entry, body in zip(pull.entries, bodies, strict=True)
    )
    manifest.write_bytes(msgspec.json.encode(msgspec.structs.replace(pull, entries=entries)))
    with pytest.raises(NoReceipt, match="no pull has such an answer of that time"):
        explained(sent, "visits")


def test_a_raw_answer_that_is_gone_is_named(sent: House) -> None:
    raw_file(sent, explained(sent, "reactions_per_post")).unlink()
    with pytest.raises(Missing, match="are gone"):
        explained(sent, "reactions_per_post")


@pytest.mark.parametrize(
    ("figure", "tampering"),
    [
        ("visits", "UPDATE day_value SET value = value + 1 WHERE metric = 'visits' AND dimension = 'total'"),
        ("replies_received", "DELETE FROM post WHERE counts->>'replies' > '0'"),
        ("visits/usual", "UPDATE day_value SET value = value * 2 WHERE metric = 'visits' AND day < '2026-10-01'"),
        ("post/1/times", "UPDATE post SET kind = 'poll' WHERE kind IS NOT NULL AND published_at < '2026-11-09'"),
        ("conversation/written", "DELETE FROM post WHERE reply_to IS NOT NULL"),
    ],
)
def test_rows_that_do_not_give_the_figure_are_found(sent: House, figure: str, tampering: str) -> None:
    with sent.engine.begin() as connection:
        connection.execute(text(tampering))
    with pytest.raises(NoReceipt, match="cannot be shown to be true: it says"):
        explained(sent, figure)


def test_what_there_is_no_receipt_of_is_said(sent: House) -> None:
    with pytest.raises(LookupError, match=r"no number 'sales'; it has: .*post/1/times"):
        explained(sent, "sales")
    with pytest.raises(LookupError, match="No report on 2026-W45 has been sent"):
        explain(sent.engine, sent.landing, BAKERY, WEEK.shift(-1), "visits")
