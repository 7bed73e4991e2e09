"""What operators see of the gate: a page of a run, and the lines in the task's log."""

import datetime as dt
import itertools
import logging
import re
from html.parser import HTMLParser
from pathlib import Path

import airflow.sdk.exceptions  # noqa: F401 - its first import sets up logging, and caplog would see nothing
import msgspec
import pytest

from checked_runs import BROKE, RUN, failed, fewer, fine, negative, passed, pull, target, troubled
from house import ANCHOR, House
from widerview.landing.store import Landing
from widerview.pipeline import connections, steps
from widerview.pipeline.catalogue import checks_path, source_of_ingest_dag
from widerview.pipeline.validation import Checked, read_run, summary, with_history
from widerview.pipeline.validation_page import SECTIONS, validation_page
from widerview.quality.verdict import CheckResult, Drift, Outcome, Rejected
from widerview.sources.base import Window

HOSTILE = "</td><script>alert(1)</script><img src=x onerror=alert(1)>\u202eevil"


class Page(HTMLParser):
    """The page's tags, its text, and what stands inside folded parts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.folded = ""
        self._depth = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._depth += tag == "details"

    def handle_endtag(self, tag: str) -> None:
        self._depth -= tag == "details"

    def handle_data(self, data: str) -> None:
        if self._depth:
            self.folded += f" {data.strip()}"
        else:
            self.text += f" {data.strip()}"

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.tags)

    def labels(self) -> list[str]:
        return [str(attributes["aria-label"]) for name, attributes in self.tags if name == "svg"]


def page(*accounts: Checked, alone: bool = False) -> Page:
    return Page(validation_page("Mastodon", RUN, accounts, accounts, alone=alone))


def result(checked: Checked) -> CheckResult:
    assert checked.result is not None
    return checked.result


def test_a_broken_check_is_told_apart_from_bad_data() -> None:
    shown = page(troubled())
    assert "1 check could not be carried out. That is a fault of ours, not of the data" in " ".join(shown.text.split())
    assert shown.text.count("⚠ not known") == 1
    assert shown.text.count("✕ 3 failed") == 1
    assert 'The column "newest" in BatchData does not exist' in shown.text
    whole = page(changed(troubled(), outcomes=(negative(3),)))
    assert "not known" not in whole.text


def changed(checked: Checked, **changes: object) -> Checked:
    return Checked(checked.path, checked.pull, msgspec.structs.replace(result(checked), **changes))


def test_checks_that_passed_are_folded_and_none_passes_by_judging_nothing() -> None:
    shown = page(fine())
    assert "12 checks passed, 3 had nothing to judge" in " ".join(shown.folded.split())
    assert "A post has an address" in shown.folded
    assert "A post has an address" not in shown.text
    assert shown.folded.count("nothing") == 3 + 1
    assert not any(name == "details" and "open" in attributes for name, attributes in shown.tags)


def test_the_trend_says_how_many_failed_pull_by_pull() -> None:
    [broke, totals, volume] = page(troubled()).labels()
    assert totals == ("Failed, the oldest pull first: 0, 0, 1, 0, 0, could not be carried out, 0, 0, 7, 2, 0, 0, 1, 3")
    assert broke.endswith(", ".join(["not made"] * 13 + ["could not be carried out"]))
    assert volume.endswith(", ".join(["not made"] * 13 + ["1"]))
    assert "failed in 5 of 13 pulls, broke in 1" in page(troubled()).text


def test_a_check_that_passes_now_and_failed_before_shows_it() -> None:
    now = Checked("pulls/x/20261117T040100.000000Z.json", pull("a", "b"), CheckResult(
        rejected=(), verdicts=(), outcomes=(negative(0),)), past=(CheckResult(
        rejected=(), verdicts=(), outcomes=(negative(9),)),))  # fmt: skip
    assert page(now).labels() == ["Failed, the oldest pull first: 9, 0"]
    assert page(fine()).labels() == []


def test_days_that_are_alike_stand_together_with_their_reasons() -> None:
    text = " ".join(page(troubled()).text.split())
    for line in ("10–11 Nov 2026 ✓ green", "12 Nov 2026 ! amber 3 numbers of 12 November", "15–16 Nov 2026 ✕ red"):
        assert line in text


def test_a_failed_pull_and_one_that_was_not_checked_say_so() -> None:
    assert "The pull failed , so nothing of it was judged or loaded: Unauthorized" in page(failed()).text
    unchecked = Checked("pulls/x/20261117T040100.000000Z.json", pull("a", "b"), None)
    assert "Not checked yet." in page(unchecked).text
    assert "? no verdict" in page(unchecked).text


def test_words_of_strangers_are_data() -> None:
    checked = Checked(
        f"pulls/{HOSTILE}",
        pull(HOSTILE, HOSTILE),
        CheckResult(
            rejected=(Rejected(index=1, metric=HOSTILE, reason=HOSTILE),),
            verdicts=(),
            unavailable={HOSTILE: HOSTILE},
            outcomes=(
                Outcome(suite="x", check=HOSTILE, expectation=HOSTILE, severity="critical", judged=1, failed=1,
                        examples=(HOSTILE,)),
                Outcome(suite="x", check=HOSTILE, expectation="y", severity="info", judged=0, error=HOSTILE),
            ),
            drift=(Drift(stream=HOSTILE, path=HOSTILE, change="new key", now=(HOSTILE,)),),
        ),
    )  # fmt: skip
    html = validation_page(HOSTILE, HOSTILE, [checked], [checked])
    shown = Page(html)
    assert shown.count("script") == shown.count("img") == 0
    assert "\u202e" not in html
    assert "<script>alert(1)</script>" in shown.text


def test_the_page_loads_nothing_and_reads_well_without_eyes_or_a_mouse() -> None:
    html = validation_page("Mastodon", RUN, [troubled(), failed(), fine()], [troubled(), failed(), fine()])
    shown = Page(html)
    assert not {"script", "link", "img", "iframe", "form", "object"} & {name for name, _ in shown.tags}
    assert "url(" not in html
    assert "@import" not in html
    assert all(str(attributes["href"])[:1] in "#?" for name, attributes in shown.tags if name == "a")
    assert shown.count("caption") == shown.count("table")
    assert all("scope" in attributes for name, attributes in shown.tags if name == "th")
    assert all({"role", "aria-label"} <= attributes.keys() for name, attributes in shown.tags if name == "svg")
    ids = [attributes["id"] for _, attributes in shown.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    for _, attributes in shown.tags:
        if "aria-labelledby" in attributes:
            assert attributes["aria-labelledby"] in ids
    assert all(href[1:] in ids for href in re.findall(r'href="(#[^"]+)"', html))
    headings = [int(name[1]) for name, _ in shown.tags if re.fullmatch(r"h\d", name)]
    assert headings[0] == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(headings))


def test_a_run_of_many_accounts_stays_small_and_leads_to_each() -> None:
    checks = [
        msgspec.structs.replace(each, check=f"{each.check}, number {number}")
        for number in range(4)
        for each in passed()
    ]
    accounts = [
        changed(troubled(f"client-{number}", f"@one{number}@social.example"),
                     outcomes=(*checks, negative(3), fewer(1), BROKE))
        for number in range(40)
    ]  # fmt: skip
    html = validation_page("Mastodon", RUN, accounts, accounts[:SECTIONS])
    assert len(html.encode()) < 60_000
    normal = validation_page("Mastodon", RUN, accounts[:3], accounts[:3])
    assert len(normal.encode()) < 60_000
    links = [attributes["href"] for name, attributes in Page(html).tags if name == "a"]
    assert len(links) == 40 + SECTIONS, "of those in full, their checks that passed"
    assert links[39] == "?client=client-39&account=%40one39%40social.example"
    alone = page(accounts[39], alone=True)
    assert [attributes["href"] for name, attributes in alone.tags if name == "a"] == ["?"]


def test_many_held_rows_and_changes_are_cut_with_their_number() -> None:
    many = changed(
        troubled(),
        rejected=tuple(Rejected(index=index, reason=f"it is {index % 40}") for index in range(5000)),
        drift=tuple(Drift(stream="s", path=f"a{index}", change="new key") for index in range(500)),
    )
    html = validation_page("Mastodon", RUN, [many], [many])
    assert len(html.encode()) < 60_000
    text = " ".join(Page(html).text.split())
    assert "5,000 rows and numbers held back" in text
    assert "0, 40, 80, 120, 160 and 120 more the whole row it is 0" in text
    assert "And 30 more kinds." in text
    assert "And 480 more changes." in text


def test_the_summary_has_a_line_for_each_bad_stretch_of_days_and_each_broken_check() -> None:
    total, *bad = summary([troubled(), failed(), fine()])
    assert total == (
        "3 account(s), 799 rows and values judged, 4 held, 2 check(s) failed, 1 could not be carried out. "
        "Worst verdict: red"
    )
    assert [line.partition(" @")[0] for line in bad] == ["harbour-bakery"] * 3 + ["tidewater-cycles"]
    assert "not known" in bad[0]
    assert bad[1].startswith("harbour-bakery @harbour@social.example 2026-11-12: amber. 3 numbers of 12 November")
    assert "2026-11-15 to 2026-11-16: red." in bad[2]
    assert summary([]) == [
        "0 account(s), 0 rows and values judged, 0 held, 0 check(s) failed, 0 could not be carried out. "
        "Worst verdict: none"
    ]


def landed(landing: Landing, client: str, ref: str, run: str, hour: int, found: CheckResult | None) -> str:
    """Land a pull without answers, and what the gate said of it."""
    at = dt.datetime(2026, 11, 17, hour, tzinfo=dt.UTC)
    name = landing.write_pull(msgspec.structs.replace(pull(client, ref), run=run, started_at=at, ended_at=at))
    if found is not None:
        landing.write_document(f"checks/{name}", msgspec.json.encode(found))
    return name


def test_a_run_is_read_from_landing_the_worst_first_and_the_latest_pull_of_each(tmp_path: Path) -> None:
    landing = Landing(tmp_path)
    landed(landing, "fine", "b", RUN, 1, result(fine()))
    landed(landing, "bad", "a", RUN, 1, result(fine()))
    latest = landed(landing, "bad", "a", RUN, 2, result(failed()))
    landed(landing, "broken", "c", RUN, 1, result(troubled()))
    landed(landing, "new", "d", RUN, 3, None)
    landed(landing, "other", "e", "another-run", 1, result(fine()))
    found = read_run(landing, "mastodon", RUN)
    assert [each.target.client_id for each in found] == ["broken", "new", "bad", "fine"]
    assert found[2].path == latest
    assert read_run(landing, "mastodon", "no-such-run") == []


def test_history_is_of_the_same_account_and_of_pulls_before(tmp_path: Path) -> None:
    landing = Landing(tmp_path)
    for hour in range(20):
        landed(landing, "bad", "a", f"run-{hour}", hour, CheckResult(
            rejected=(), verdicts=(), outcomes=(negative(hour),)))  # fmt: skip
        landed(landing, "bad", "b", f"run-{hour}", hour, result(fine()))
    [first, _] = read_run(landing, "mastodon", "run-17")
    assert first.target == target("bad", "a")
    told = with_history(landing, first)
    assert [each.outcomes[0].failed for each in told.past] == list(range(4, 17))


def test_the_task_logs_the_summary_and_the_pages_address(
    house: House, airflow_home: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    run = "manual__2026-11-17T07:00:00+00:00"
    house.pull(Window(ANCHOR - dt.timedelta(days=2), ANCHOR), run, "bluesky")
    monkeypatch.setattr(connections, "landing", lambda: house.landing)
    monkeypatch.setattr(connections, "warehouse", lambda: house.engine)
    monkeypatch.setattr(steps, "_targets", lambda _: [
        house.landing.read_pull(path).target for path in house.pulls
    ])  # fmt: skip
    with caplog.at_level(logging.INFO, logger="widerview.pipeline.steps"):
        counts = steps.check("bluesky", run)
    told = [record for record in caplog.records if record.name == "widerview.pipeline.steps"]
    lines = [record.getMessage() for record in told]
    assert lines[0].startswith("3 account(s), ")
    assert lines[-1].endswith("/widerview/checks/ingest_bluesky/manual__2026-11-17T07%3A00%3A00%2B00%3A00")
    assert [record.levelname for record in told] == ["INFO", *["WARNING"] * (len(told) - 2), "INFO"]
    assert counts["green"] + counts["amber"] + counts["red"] == 9
    source = source_of_ingest_dag("ingest_bluesky")
    assert source
    html = steps.checks_page(source, run)
    assert html
    assert "<table>" in html
    last = house.landing.read_pull(house.pulls[-1]).target
    one = steps.checks_page(source, run, last.client_id, last.ref)
    assert one
    assert "All accounts of this run" in one
    assert steps.checks_page(source, "no-such-run") is None
    assert steps.checks_page(source, run, "nobody", "x") is None


def test_only_ingest_dags_have_a_page() -> None:
    assert source_of_ingest_dag("report_bluesky") is None
    assert source_of_ingest_dag("ingest_nothing") is None
    assert checks_path("ingest_x", "a/b c") == "/widerview/checks/ingest_x/a%2Fb%20c"
