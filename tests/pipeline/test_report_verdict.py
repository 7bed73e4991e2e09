"""What a broken source does to a report: it is told by name, or the report is held if it leads with its numbers."""

import datetime as dt

import pytest
from sqlalchemy import text

from house import ANCHOR, FIRST, SETTLED, House
from widerview.measures.weeks import Week
from widerview.pipeline import ingest, steps, weekly
from widerview.quality.verdict import DayVerdict
from widerview.report.facts import Facts
from widerview.report.render import render
from widerview.sandbox.faults import Injection
from widerview.sources.base import Window
from widerview.warehouse.load import load_pull

WEEK = Week.parse("2026-W46")
BAKERY = "hollow-oak-bakery"
LATER = SETTLED + dt.timedelta(minutes=1)


def break_source(house: House, source: str, *days: dt.date) -> None:
    """Let a later pull judge a source's days to be wrong."""
    [target] = ingest.targets(house.agency.clients[BAKERY], source)
    verdicts = [
        DayVerdict(client_id=BAKERY, source=source, ref=target.ref, day=day, colour="red",
                   reasons=(f"{source.capitalize()} lists none of the 9 posts that were there before.",))
        for day in days
    ]  # fmt: skip
    load_pull(
        house.engine, load_id=f"broken {source}", target=target, window=Window(days[0], days[-1]), started_at=LATER,
        ended_at=LATER, recorded_at=LATER, digest=b"broken", rows=[], verdicts=verdicts,
    )  # fmt: skip


def facts_of(house: House) -> Facts:
    return weekly.compose_facts(house.engine, house.agency.clients[BAKERY], WEEK, LATER)


def make_small(house: House, source: str) -> None:
    """Let an account have earned nearly nothing so far."""
    with house.engine.begin() as connection:
        connection.execute(
            text(
                "UPDATE post SET counts = CAST('{\"likes\": 1}' AS json) WHERE source = :source AND counts IS NOT NULL"
            ),
            {"source": source},
        )


def test_a_source_the_report_does_not_lead_with_is_amber_by_name_and_left_out_of_all_weeks(told: House) -> None:
    make_small(told, "mastodon")
    whole = facts_of(told)
    break_source(told, "mastodon", *WEEK.days)
    facts = facts_of(told)
    assert (whole.colour, facts.colour) == ("green", "amber")
    mastodon = next(source for source in facts.sources if source.source == "mastodon")
    assert mastodon.colour == "amber"
    assert mastodon.line == (
        "Mastodon lists none of the 9 posts that were there before; "
        "The figures of this report are without it, in all weeks"
    )
    assert {account.platform for account in facts.accounts} == {"Bluesky"}
    figures = {figure.id: figure for figure in facts.figures}
    before = {figure.id: figure for figure in whole.figures}
    assert figures["replies_received"].value is not None
    assert figures["reactions_per_post"].usual.low > before["reactions_per_post"].usual.low, "past weeks are without it"
    assert figures["visits"] == before["visits"]
    mail = render(facts, None)
    for part in (mail.html, mail.text):
        assert "Mastodon (incomplete)" in part
    weekly.stop_if_red(facts)


@pytest.mark.parametrize("source", ["bluesky", "matomo"])
def test_a_source_the_report_leads_with_is_red_and_a_person_is_told(told: House, source: str) -> None:
    make_small(told, "mastodon")
    break_source(told, source, *WEEK.days[2:])
    facts = facts_of(told)
    assert facts.colour == "red"
    with pytest.raises(weekly.RedVerdict):
        weekly.stop_if_red(facts)
    why = weekly.why_held(told.engine, told.agency.clients[BAKERY], facts)
    assert "cannot be sent" in why
    assert f"{source.capitalize()} lists none of the 9 posts" in why
    assert "**Since when:** 11 November; the last good day was 10 November." in why
    assert f"`ingest_{source}`" in why
    assert "`first`\n2026-11-09 and `last` 2026-11-15" in why
    assert "Compose again" in why


def test_what_went_wrong_before_the_week_is_told_from_its_first_day(told: House) -> None:
    days = [WEEK.monday - dt.timedelta(days=ago) for ago in (2, 1)]
    break_source(told, "matomo", *days, *WEEK.days)
    why = weekly.why_held(told.engine, told.agency.clients[BAKERY], facts_of(told))
    assert "**Since when:** 7 November; the last good day was 6 November." in why


def test_a_pull_that_failed_is_known_to_the_report(house: House) -> None:
    """Nothing of it is loaded, but that it failed is, on days that nobody else has told of."""
    house.sandbox.now[0] = SETTLED
    house.ingest(Window(FIRST, WEEK.shift(-1).sunday), "before")
    house.sandbox.faults.inject(Injection(route="mastodon.*", fault="html_page"))
    try:
        for source in ("bluesky", "matomo"):
            house.pull(Window(WEEK.monday, ANCHOR), "now", source)
            house.check_and_load("now", source)
        with pytest.raises(ingest.PullFailed):
            house.pull(Window(WEEK.monday, ANCHOR), "now", "mastodon")
        house.check_and_load("now", "mastodon")
    finally:
        house.sandbox.faults.clear()
    mastodon = next(source for source in facts_of(house).sources if source.source == "mastodon")
    assert mastodon.line.startswith("Mastodon could not be read")
    lacking = weekly.missing(house.engine, house.agency.clients[BAKERY], WEEK, SETTLED)
    assert [line.split()[0] for line in lacking.unread] == ["Mastodon"]
    assert lacking.to_load == []


@pytest.mark.parametrize(("hours", "ready"), [(3.9, False), (4.1, True)])
def test_a_report_waits_only_so_long(house: House, monkeypatch: pytest.MonkeyPatch, hours: float, ready: bool) -> None:
    monkeypatch.setattr(steps.connections, "warehouse", lambda: house.engine)
    monkeypatch.setattr(steps, "_client", house.agency.clients.__getitem__)
    monkeypatch.setattr(steps, "utc_now", lambda: SETTLED)
    begun = SETTLED - dt.timedelta(hours=hours)
    assert steps.ready(BAKERY, {"period": str(WEEK), "begun": begun.isoformat()}) is ready
