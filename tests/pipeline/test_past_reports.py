"""A report that was sent, ten days on: it can be made again byte for byte, and it is known what has changed since."""

import datetime as dt
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from email import message_from_bytes
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import text

from house import ANCHOR, SETTLED, House
from sent_reports import send_report
from widerview.agency.load import Agency
from widerview.agency.models import Client
from widerview.delivery.message import attached_pdf
from widerview.delivery.outbox import messages
from widerview.measures.weeks import Week
from widerview.pipeline import ingest, past_reports, weekly
from widerview.pipeline.explain import NoReceipt, explain, receipts
from widerview.pipeline.past_reports import CorrectedNumber, Reason, RebuildDiffers
from widerview.report.facts import Facts
from widerview.report.lessons import BASICS
from widerview.report.narrate import correction_lines
from widerview.report.render import render
from widerview.sources.base import CounterRow, DayRow, RawPage, Row, Target, Window
from widerview.sources.matomo import Matomo
from widerview.warehouse import read
from widerview.warehouse.load import load_pull

WEEK = Week.parse("2026-W46")
THURSDAY = dt.date(2026, 11, 12)
THEN = SETTLED + dt.timedelta(hours=2)
NOW = THEN + dt.timedelta(days=10)
CLIENT = "tidewater-cycles"


class BetterMatomo(Matomo):
    """Matomo as better code reads it: seven more visits on Thursday came from social media."""

    def parse(self, target: Target, page: RawPage) -> Iterator[Row]:
        for row in super().parse(target, page):
            if isinstance(row, DayRow) and (row.day, row.member, row.metric) == (THURSDAY, "social", "visits"):
                yield msgspec.structs.replace(row, value=(row.value or 0) + 7)
            else:
                yield row


@dataclass
class Sent:
    """A house whose report on the week has left it."""

    house: House
    client: Client
    facts: Facts

    def rebuild(self) -> past_reports.Rebuilt:
        return past_reports.rebuild(self.house.engine, CLIENT, WEEK)

    def corrections(self, now: dt.datetime = NOW) -> list[CorrectedNumber]:
        return past_reports.corrections(self.house.engine, CLIENT, WEEK, now)

    def said(self, number: str) -> float:
        value = next(figure.value for figure in self.facts.figures if figure.id == number)
        assert value is not None
        return value

    def load(self, source: str, observed: dt.datetime, recorded: dt.datetime, row: Row) -> None:
        """Load a pull of one row."""
        target = ingest.targets(self.client, source)[0]
        load_pull(
            self.house.engine, load_id=f"made up {observed}", target=target, window=Window(ANCHOR, ANCHOR),
            started_at=observed, ended_at=observed, digest=bytes(32), recorded_at=recorded, rows=[row],
        )  # fmt: skip

    def total(self, metric: str, more: int, observed: dt.datetime, recorded: dt.datetime) -> read.PostCounter:
        """Load so many more of a metric of the week's first post; give what was known of it."""
        with self.house.engine.connect() as connection:
            week = WEEK.bounds(self.client.zone)
            post = next(each for each in read.posts(connection, CLIENT, THEN, *week) if each.reply_to is None)
            known = next(
                each
                for each in read.post_counters(connection, CLIENT, THEN, *week)
                if (each.source, each.post_id, each.metric) == (post.source, post.post_id, metric)
            )
        assert known.value is not None
        row = CounterRow(
            client_id=CLIENT, source=post.source, observed_at=observed, receipt="00" * 32, account_id=post.account_id,
            post_id=post.post_id, published_at=post.published_at, counts={metric: known.value + more},
        )  # fmt: skip
        self.load(post.source, observed, recorded, row)
        return known

    def read_better(self, recorded: dt.datetime) -> None:
        """Load Matomo's last pull again, as better code reads it."""
        pulls = ingest.pulls_of_run(self.house.landing, "matomo", "first", ingest.targets(self.client, "matomo"))
        ingest.load_pulls(
            self.house.landing, BetterMatomo(), pulls, self.house.engine, recorded_at=lambda pull: recorded
        )

    def day(self, visits: float | None, observed: dt.datetime) -> None:
        """Load another number of all visits on Thursday."""
        site = ingest.targets(self.client, "matomo")[0]
        row = DayRow(
            client_id=CLIENT, source="matomo", observed_at=observed, receipt="00" * 32, entity="site",
            entity_id=site.ref, day=THURSDAY, zone=site.time_zone, dimension="total", member="", metric="visits",
            value=visits,
        )  # fmt: skip
        self.load("matomo", observed, observed, row)


@pytest.fixture
def sent(told: House) -> Sent:
    return Sent(told, told.agency.clients[CLIENT], send_report(told, CLIENT, WEEK, THEN))


def test_what_has_become_known_since_is_told_with_its_reason_and_the_report_is_still_the_same(sent: Sent) -> None:
    hour, day = dt.timedelta(hours=1), dt.timedelta(days=1)
    likes = sent.total("likes", 40, observed=THEN - hour, recorded=THEN + hour)
    sent.read_better(recorded=THEN + day)
    with sent.house.engine.connect() as connection:
        days = read.day_values(connection, CLIENT, THEN, THURSDAY, THURSDAY, "visits", "total")
    sent.day((days[0].value or 0) + 12, observed=THEN + 2 * day)
    sent.total("likes", 1000, observed=THEN + 3 * day, recorded=THEN + 3 * day)

    rebuilt = sent.rebuild()
    assert (rebuilt.facts, rebuilt.mails) == (sent.facts, len(sent.client.recipients))

    social = next(channel.visits for channel in sent.facts.channels if channel.channel == "social") or 0
    posts = sum(account.posts for account in sent.facts.accounts)
    found = {each.number: each for each in sent.corrections()}
    assert {name: (each.said, each.reasons) for name, each in found.items()} == {
        "reactions_per_post": (
            sent.said("reactions_per_post"),
            (Reason(why="late data", source=likes.source, values=1),),
        ),
        "visits": (sent.said("visits"), (Reason(why="platform revision", source="matomo", values=1),)),
        "social_visits": (social, (Reason(why="our fix", source="matomo", values=1),)),
        "channel/social": (social, (Reason(why="our fix", source="matomo", values=1),)),
    }
    assert found["reactions_per_post"].known == pytest.approx(sent.said("reactions_per_post") + 40 / posts)
    assert found["visits"].known == sent.said("visits") + 12
    assert found["social_visits"].known == found["channel/social"].known == social + 7

    at_the_time = sent.corrections(now=THEN + day)
    assert [each.number for each in at_the_time] == ["reactions_per_post", "social_visits", "channel/social"]
    assert sent.corrections(now=THEN) == []


def test_a_day_that_is_not_reported_any_more_explains_every_number_of_the_website(sent: Sent) -> None:
    sent.day(None, observed=THEN + dt.timedelta(days=1))
    found = sent.corrections()
    web = {"visits", "social_visits", *(f"channel/{channel.channel}" for channel in sent.facts.channels)}
    assert web <= {each.number for each in found}
    assert {each.known for each in found} == {None}
    assert {each.reasons for each in found} == {(Reason(why="platform revision", source="matomo", values=1),)}


def test_another_name_for_an_account_is_no_correction(sent: Sent) -> None:
    with sent.house.engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO account SELECT client_id, source, account_id, :later, :later, 'other.example', name, url, "
                "NULL, receipt FROM account WHERE client_id = :client AND source = 'bluesky' AND handle IS NOT NULL"
            ),
            {"later": THEN + dt.timedelta(days=1), "client": CLIENT},
        )
    assert sent.corrections() == []


def test_a_report_is_made_again_whatever_its_clients_file_says_now(sent: Sent) -> None:
    for file in (sent.house.root / "clients").glob("*.yaml"):
        file.unlink()
    assert sent.rebuild().facts == sent.facts
    assert sent.corrections() == []


def test_a_report_looks_as_it_did_whatever_the_theme_says_now(told: House, tmp_path: Path) -> None:
    shutil.copytree(told.root / "clients", tmp_path / "clients")
    facts = send_report(replace(told, root=tmp_path), CLIENT, WEEK, THEN)
    assert render(facts).logo_png
    shutil.rmtree(tmp_path / "clients" / "themes")
    rebuilt = past_reports.rebuild(told.engine, CLIENT, WEEK)
    assert (rebuilt.facts, rebuilt.mails) == (facts, 1)


def test_a_pdf_is_attached_where_the_client_wants_one_and_is_made_again_byte_for_byte(told: House) -> None:
    client = told.agency.clients[CLIENT]
    plan = client.report.model_copy(update={"pdf": True})
    wanting = replace(told, agency=Agency({CLIENT: client.model_copy(update={"report": plan})}, []))
    send_report(wanting, CLIENT, WEEK, THEN)
    with told.engine.connect() as connection:
        [mail] = messages(connection, client_id=CLIENT, period=str(WEEK), revision=1).values()
    parts = [part.get_content_type() for part in message_from_bytes(mail).walk()]
    assert parts == [
        "multipart/mixed", "multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png",
        "image/png", "application/pdf",
    ]  # fmt: skip
    name, pdf = attached_pdf(mail) or ("", b"")
    assert (name, pdf[:5]) == (f"{CLIENT}-{WEEK}.pdf", b"%PDF-")
    assert past_reports.rebuild(told.engine, CLIENT, WEEK).mails == 1


def test_only_what_was_sent_can_be_corrected(sent: Sent) -> None:
    later = weekly.compose_facts(sent.house.engine, sent.client, WEEK, THEN + dt.timedelta(days=1))
    weekly.save(sent.house.engine, later)
    sent.total("likes", 40, observed=THEN - dt.timedelta(hours=1), recorded=THEN + dt.timedelta(hours=1))
    assert {each.revision for each in sent.corrections()} == {1}
    assert past_reports.weeks_sent(sent.house.engine, CLIENT) == [WEEK]
    assert past_reports.weeks_sent(sent.house.engine, "lantern-lane") == []
    with pytest.raises(LookupError, match="No report on 2026-W46 has been sent to client lantern-lane"):
        past_reports.corrections(sent.house.engine, "lantern-lane", WEEK, NOW)


def test_each_revision_is_made_again_by_its_own_moment(sent: Sent) -> None:
    sent.total("likes", 40, observed=THEN - dt.timedelta(hours=1), recorded=THEN + dt.timedelta(hours=1))
    second = weekly.save(sent.house.engine, weekly.compose_facts(sent.house.engine, sent.client, WEEK, NOW))
    assert (second.revision, second.corrects) == (2, True)
    rebuilt = past_reports.rebuild(sent.house.engine, CLIENT, WEEK)
    assert (rebuilt.facts, rebuilt.mails) == (second, 0)
    assert past_reports.rebuild(sent.house.engine, CLIENT, WEEK, 1).facts == sent.facts
    with pytest.raises(LookupError, match="no revision 3 of the report on 2026-W46"):
        past_reports.rebuild(sent.house.engine, CLIENT, WEEK, 3)


@pytest.mark.parametrize(
    ("tampering", "where"),
    [
        (
            "UPDATE day_value SET value = value + 1 WHERE client_id = 'tidewater-cycles' AND day = '2026-11-12' "
            "AND dimension = 'total' AND metric = 'visits'",
            r"facts, figures 4, value: it was \d+\.0 and is \d+\.0",
        ),
        ("UPDATE report SET note = 'Badly done.'", r"mail to \S+, line \d+: it was b'.*' and is b'.*'"),
    ],
)
def test_a_past_that_was_changed_is_found(sent: Sent, tampering: str, where: str) -> None:
    with sent.house.engine.begin() as connection:
        assert connection.execute(text(tampering)).rowcount > 0
    with pytest.raises(RebuildDiffers, match=f"2026-W46, revision 1, of client {CLIENT}.*{where}"):
        sent.rebuild()


def sent_before(house: House, week: Week) -> Facts | None:
    with house.engine.connect() as connection:
        return weekly.sent_before(connection, CLIENT, week)


def next_facts(sent: Sent) -> Facts:
    """The facts of the week after, with what they say of the report before."""
    week = WEEK.shift(1)
    facts = weekly.compose_facts(sent.house.engine, sent.client, week, NOW)
    return past_reports.with_corrections(sent.house.engine, facts, sent_before(sent.house, week))


def test_the_next_report_says_what_the_one_before_would_say_now(sent: Sent) -> None:
    sent.read_better(recorded=THEN + dt.timedelta(days=1))
    sent.day(0, observed=THEN + dt.timedelta(days=2))
    facts = next_facts(sent)
    told = {each.label: each for each in facts.corrections}
    visits = told["Website visits"]
    assert (visits.said, visits.first_day, visits.why, visits.source) == (
        sent.said("visits"),
        WEEK.monday,
        "platform revision",
        "Matomo",
    )
    assert told["Visits from social"].why == "our fix"
    lines = correction_lines(facts)
    assert (
        f"Correction: Website visits, week of 9 November. We said {visits.said:.0f}; it is {visits.known:.0f}, "
        "because Matomo has corrected it." in lines
    )
    rendered = render(facts)
    for line in lines:
        assert line in " ".join(rendered.text.split())
        assert line in " ".join(rendered.html.split())


def test_what_was_marked_so_far_or_moved_by_a_hair_is_no_correction(sent: Sent) -> None:
    visits = sent.said("visits")
    with sent.house.engine.connect() as connection:
        [day] = read.day_values(connection, CLIENT, THEN, THURSDAY, THURSDAY, "visits", "total")
    sent.day((day.value or 0) + visits // 100, observed=THEN + dt.timedelta(days=2))
    assert [each.number for each in sent.corrections()] == ["visits"]
    assert next_facts(sent).corrections == ()


def test_a_report_with_corrections_is_made_again_with_them(sent: Sent) -> None:
    sent.day(0, observed=THEN + dt.timedelta(days=2))
    facts = weekly.save(sent.house.engine, next_facts(sent))
    assert facts.corrections
    assert past_reports.rebuild(sent.house.engine, CLIENT, WEEK.shift(1)).facts == facts


def test_a_correction_has_a_receipt_that_leads_to_the_report_before(sent: Sent) -> None:
    sent.day(0, observed=THEN + dt.timedelta(days=2))
    facts = weekly.save(sent.house.engine, next_facts(sent))
    house, week = sent.house, WEEK.shift(1)
    with receipts(house.engine, house.landing, CLIENT, week, facts.revision) as opened:
        for place, told in enumerate(facts.corrections, 1):
            said, known = (opened.explain(f"correction/{place}/{which}") for which in ("said", "known"))
            assert (said.value, known.value) == (told.said, told.known)
            [source] = said.inputs
            assert source.id.startswith(f"widerview explain {CLIENT} {WEEK} ")
            assert source.value == told.said
    with house.engine.begin() as connection:
        connection.execute(text("UPDATE day_value SET value = 5 WHERE value = 0 AND metric = 'visits'"))
    with pytest.raises((NoReceipt, RebuildDiffers)):
        explain(house.engine, house.landing, CLIENT, week, "correction/1/known", facts.revision)


def test_the_first_report_has_nothing_to_correct(told: House) -> None:
    client = told.agency.clients[CLIENT]
    facts = weekly.compose_facts(told.engine, client, WEEK, THEN)
    assert past_reports.with_corrections(told.engine, facts, sent_before(told, WEEK)) == facts


def test_the_next_report_brings_the_next_card(sent: Sent) -> None:
    first, second = sent.facts.lesson, next_facts(sent).lesson
    assert (first and first.id, second and second.id) == tuple(card.id for card in BASICS[:2])
