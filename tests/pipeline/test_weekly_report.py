"""The report against the sandbox's truth, and the way out: approved, refused, red, late, twice."""

import datetime as dt
import statistics
from collections.abc import Iterator
from zoneinfo import ZoneInfo

import msgspec
import pytest
from sqlalchemy import Engine, text

from house import ANCHOR, FIRST, SETTLED, SPINE, House
from mail_server import MailServer
from widerview.delivery.outbox import BACKOFF, Summary
from widerview.delivery.safety import Guard
from widerview.delivery.smtp import SmtpSettings
from widerview.measures.weeks import Week
from widerview.pipeline import ingest, weekly
from widerview.report.facts import Facts
from widerview.sources.base import PostRow, Source, Target, Window
from widerview.sources.registry import SOURCES
from widerview.warehouse import read
from widerview.warehouse.load import load_pull
from widerview.warehouse.migrate import migrate

WEEK = Week.parse("2026-W46")


def facts_of(house: House, client: str, as_of: dt.datetime = SETTLED) -> Facts:
    return weekly.compose_facts(house.engine, house.agency.clients[client], WEEK, as_of)


@pytest.fixture
def smtp() -> Iterator[tuple[MailServer, SmtpSettings]]:
    with MailServer() as server:
        yield server, SmtpSettings(host="127.0.0.1", port=server.port, security="none")


def decision(option: str = "Approve", note: str = "Well done.") -> weekly.Decision:
    return weekly.Decision(option=option, by="mira", at=SETTLED, note=note)


def send(
    house: House, facts: Facts, smtp: SmtpSettings, decided: weekly.Decision | None = None, now: dt.datetime = SETTLED
) -> Summary:
    client = house.agency.clients[facts.client_id]
    report = house.engine, client, facts.period, facts.revision
    weekly.record(*report, decided or decision())
    return weekly.send(*report, smtp, lambda: now, guard=Guard(house.agency.clients))


@pytest.mark.parametrize("client", ["hollow-oak-bakery", "tidewater-cycles", "lantern-lane"])
def test_the_numbers_are_the_true_ones(told: House, client: str) -> None:
    truth = told.sandbox.model.truth(client, WEEK.monday)
    facts = facts_of(told, client)
    figures = {figure.id: figure.value for figure in facts.figures}
    assert figures["visits"] == truth.visits
    assert {channel.channel: channel.visits for channel in facts.channels} == {
        channel: visits for channel, visits in truth.channels.items() if visits
    }
    assert sum(account.posts for account in facts.accounts) == sum(truth.posts.get(name, 0) for name in SPINE)
    assert facts.conversation.written == sum(truth.replies_written.get(name, 0) for name in SPINE)
    for campaign in facts.campaigns:
        assert campaign.visits == sum(truth.campaigns[campaign.key].values())
        assert sum(touchpoint.visits or 0 for touchpoint in campaign.touchpoints) == campaign.visits
    assert facts.colour == "green"
    assert not any(figure.so_far for figure in facts.figures)


def test_best_posts_are_told_with_what_chance_leaves_of_them(told: House) -> None:
    lifts = [post.lift for post in facts_of(told, "hollow-oak-bakery").posts]
    assert len(lifts) == 3
    assert all(lift and lift.low < lift.times < lift.high for lift in lifts)
    assert lifts == sorted(lifts, key=lambda lift: -lift.times if lift else 0)
    assert [post.lift for post in facts_of(told, "lantern-lane").posts] == [None], "too few posts are known"


@pytest.mark.parametrize("client", ["hollow-oak-bakery", "tidewater-cycles", "lantern-lane"])
def test_what_a_post_earned_stands_beside_how_many_there_were(told: House, client: str) -> None:
    weeks = [told.sandbox.model.truth(client, WEEK.shift(-ago).monday) for ago in range(13)]
    posts, *usual = [sum(truth.posts.get(name, 0) for name in SPINE) for truth in weeks]
    posting = facts_of(told, client).posting
    assert posting is not None
    assert (posting.posts, posting.usual_posts) == (posts, statistics.median(usual))


@pytest.mark.parametrize("client", ["hollow-oak-bakery", "tidewater-cycles", "lantern-lane"])
def test_conversations_are_told_as_analysts_find_them(told: House, client: str) -> None:
    newest = WEEK.shift(1)  # comments are read under posts of the last days only, and the house was read once
    first, end = newest.bounds(told.agency.clients[client].zone)
    with told.engine.connect() as connection:
        received, answered = connection.execute(
            text(
                "SELECT count(*), count(answered_at) FROM mart.conversation WHERE client_id = :client "
                "AND direction = 'in' AND reply_to IS NULL AND written_at >= :first AND written_at < :end"
            ),
            {"client": client, "first": first, "end": end},
        ).one()
    assert received > 0
    answers = weekly.compose_facts(told.engine, told.agency.clients[client], newest, SETTLED).conversation.answers
    assert answers is not None
    assert (answers.received, answers.answered) == (received, answered)
    assert (answers.half_within is None) == (received < 5 or answered * 2 < received)


def test_an_early_report_says_so_far_and_a_later_one_is_higher(house: House) -> None:
    house.sandbox.now[0] = early = dt.datetime(2026, 11, 16, 6, 0, tzinfo=dt.UTC)
    house.ingest(Window(FIRST, ANCHOR - dt.timedelta(days=1)), "first")
    first = facts_of(house, "tidewater-cycles", early)
    assert first.colour == "green", "what may still rise is no fault"
    assert {source.source for source in first.sources if source.early} == {"bluesky", "mastodon", "matomo"}
    assert all(figure.so_far for figure in first.figures)
    house.sandbox.now[0] = SETTLED
    house.ingest(Window(WEEK.monday, ANCHOR), "second")
    later = facts_of(house, "tidewater-cycles")
    visits = [next(f.value for f in facts.figures if f.id == "visits") for facts in (first, later)]
    assert visits[0] < visits[1]
    assert facts_of(house, "tidewater-cycles", early) == first


def test_the_week_is_awaited_until_every_source_has_all_of_it(house: House) -> None:
    client = house.agency.clients["hollow-oak-bakery"]
    assert len(weekly.missing(house.engine, client, WEEK, SETTLED).unread) == 3
    house.sandbox.now[0] = dt.datetime(2026, 11, 15, 12, 0, tzinfo=dt.UTC)
    house.ingest(Window(FIRST, WEEK.sunday), "too early")
    assert len(weekly.missing(house.engine, client, WEEK, SETTLED).unread) == 3, "Sunday was not over"
    house.sandbox.now[0] = SETTLED
    house.ingest(Window(WEEK.monday, WEEK.sunday), "after its end")
    assert weekly.missing(house.engine, client, WEEK, SETTLED) == ([], [])
    with house.engine.begin() as connection:
        connection.execute(text("UPDATE load SET replay_due = true WHERE source = 'matomo'"))
    [line] = weekly.missing(house.engine, client, WEEK, SETTLED).to_load
    assert line.startswith("Matomo has 2 pull(s) to be loaded once more")


def test_weeks_that_were_not_read_are_unknown_and_not_zero(house: House) -> None:
    """A history read once, long ago, and then only the last weeks: what lies between is a gap."""
    house.sandbox.now[0] = dt.datetime(2026, 9, 21, 6, 0, tzinfo=dt.UTC)
    house.ingest(Window(FIRST, dt.date(2026, 9, 20)), "long ago")
    house.sandbox.now[0] = SETTLED
    house.ingest(Window(WEEK.shift(-1).monday, ANCHOR), "again")
    figures = {figure.id: figure for figure in facts_of(house, "tidewater-cycles").figures}
    assert figures["replies_received"].usual is not None
    assert figures["replies_received"].usual.weeks == 6, "of twelve, five before the gap and one after it"


def test_a_later_pull_for_other_days_does_not_make_the_week_complete(house: House) -> None:
    house.sandbox.now[0] = dt.datetime(2026, 11, 15, 12, 0, tzinfo=dt.UTC)
    house.ingest(Window(FIRST, WEEK.sunday), "on sunday noon")
    house.sandbox.now[0] = SETTLED
    house.ingest(Window(FIRST, FIRST), "a backfill of old days")
    assert len(weekly.missing(house.engine, house.agency.clients["hollow-oak-bakery"], WEEK, SETTLED).unread) == 3


def test_only_what_has_been_sent_is_corrected(told: House, smtp: tuple[MailServer, SmtpSettings]) -> None:
    client = told.agency.clients["lantern-lane"]
    weekly.save(told.engine, facts_of(told, client.client))
    second = weekly.save(told.engine, facts_of(told, client.client, SETTLED + dt.timedelta(minutes=1)))
    assert (second.revision, second.corrects) == (2, False), "the first was never sent"
    send(told, second, smtp[1])
    third = weekly.save(told.engine, facts_of(told, client.client, SETTLED + dt.timedelta(minutes=2)))
    assert (third.revision, third.corrects) == (3, True)


def test_what_only_looks_like_a_link_does_no_harm(told: House) -> None:
    target = ingest.targets(told.agency.clients["hollow-oak-bakery"], "bluesky")[0]
    with told.engine.connect() as connection:
        account = connection.execute(text("SELECT account_id FROM account WHERE source = 'bluesky'")).scalars().first()
    before = facts_of(told, "hollow-oak-bakery").campaigns[0].posts
    links = ("https://[foo/bar", "https://hollowoak.example/?mtm_campaign=Winter-Loaf")
    rows = [
        PostRow(
            client_id=target.client_id, source="bluesky", observed_at=SETTLED, receipt="00" * 32,
            account_id=str(account), post_id=f"at://odd/{number}", text=link, links=(link,), kind="text",
            published_at=dt.datetime(2026, 11, 12, 12, tzinfo=dt.UTC), permalink="https://bsky.example/odd",
        )
        for number, link in enumerate(links)
    ]  # fmt: skip
    load_pull(
        told.engine, load_id="odd", target=target, window=Window(ANCHOR, ANCHOR), started_at=SETTLED, ended_at=SETTLED,
        digest=bytes(32), recorded_at=SETTLED, rows=rows,
    )  # fmt: skip
    assert facts_of(told, "hollow-oak-bakery").campaigns[0].posts == before + 1


def test_nothing_known_is_red_and_stops(house: House) -> None:
    facts = weekly.save(house.engine, facts_of(house, "lantern-lane"))
    assert facts.colour == "red"
    assert {figure.value for figure in facts.figures} == {None}
    with pytest.raises(weekly.RedVerdict, match="Bluesky"):
        weekly.stop_if_red(facts)


def test_a_red_report_is_not_sent_even_if_approved(house: House, smtp: tuple[MailServer, SmtpSettings]) -> None:
    facts = weekly.save(house.engine, facts_of(house, "lantern-lane"))
    with pytest.raises(weekly.RedVerdict):
        send(house, facts, smtp[1])
    assert smtp[0].mails == []


def test_approved_once_sent_once(told: House, smtp: tuple[MailServer, SmtpSettings]) -> None:
    server, settings = smtp
    client = told.agency.clients["hollow-oak-bakery"]
    facts = weekly.save(told.engine, facts_of(told, client.client))
    for _ in range(3):
        assert len(send(told, facts, settings).sent) == 1
    [(recipient, message)] = server.mails
    assert recipient == client.recipients[0].email
    assert b"Well done." in message


def test_what_nobody_reviews_is_not_sent_again_as_a_new_revision(
    told: House, smtp: tuple[MailServer, SmtpSettings]
) -> None:
    """A cleared `compose`, or a backfill, of a client whose reports go out without review."""
    server, settings = smtp
    client = told.agency.clients["hollow-oak-bakery"]
    by_nobody = weekly.Decision(option="Approve", by=weekly.WITHOUT_REVIEW, at=SETTLED)
    for minute, sent in ((0, True), (1, False)):
        facts = weekly.save(told.engine, facts_of(told, client.client, SETTLED + dt.timedelta(minutes=minute)))
        for _ in range(2):
            if sent:
                send(told, facts, settings, by_nobody)
            else:
                with pytest.raises(weekly.NeedsAPerson, match="has been sent before, as revision 1"):
                    send(told, facts, settings, by_nobody)
    assert len(server.mails) == 1


def test_rejected_is_not_sent_and_stays_so(told: House, smtp: tuple[MailServer, SmtpSettings]) -> None:
    server, settings = smtp
    client = told.agency.clients["tidewater-cycles"]
    facts = weekly.save(told.engine, facts_of(told, client.client))
    with pytest.raises(weekly.NotApproved, match="by mira"):
        send(told, facts, settings, decision("Reject"))
    assert server.mails == []
    with told.engine.connect() as connection:
        assert connection.scalar(text("SELECT decision FROM report")) == "Reject"
        assert connection.scalar(text("SELECT count(*) FROM outbox")) == 0


def test_put_off_by_the_mail_server_is_tried_again_and_refused_needs_a_person(
    told: House, smtp: tuple[MailServer, SmtpSettings]
) -> None:
    server, settings = smtp
    client = told.agency.clients["lantern-lane"]
    facts = weekly.save(told.engine, facts_of(told, client.client))
    server.faults["RCPT"] = "450 come back later"
    with pytest.raises(weekly.NotSent, match="450") as put_off:
        send(told, facts, settings)
    assert put_off.value.again_at == SETTLED + BACKOFF[0]
    server.faults["RCPT"] = "550 no such mailbox"
    with pytest.raises(weekly.NeedsAPerson, match="550"):
        send(told, facts, settings, now=SETTLED + BACKOFF[0])
    assert server.mails == []


def test_one_clients_report_knows_nothing_of_another(told: House) -> None:
    bakery = msgspec.json.encode(facts_of(told, "hollow-oak-bakery")).decode()
    for stranger in ("tidewater", "Tidewater", "aoife"):
        assert stranger not in bakery


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/Los_Angeles"])
@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_the_daily_pulls_of_any_source_cover_a_week(engine: Engine, source: Source, zone: str) -> None:
    migrate(engine)
    target = Target(client_id="meadow", source=source.name, ref="meadow", time_zone=zone)

    def is_covered() -> bool:
        with engine.connect() as connection:
            return read.is_covered(
                connection, "meadow", utc(2027, 1, 1), source=source.name, ref="meadow",
                first_day=WEEK.monday, last_day=WEEK.sunday,
            )  # fmt: skip

    for days in range(10):  # each morning about the day before, as the DAGs do
        morning = utc(2026, 11, 8, 4) + dt.timedelta(days=days)
        load_pull(
            engine, load_id=f"{days:02}", target=target, started_at=morning, ended_at=morning, recorded_at=morning,
            window=ingest.window(morning.date() - dt.timedelta(days=1), source), digest=bytes([days]), rows=[],
        )  # fmt: skip
        sunday_is_over = morning >= WEEK.bounds(ZoneInfo(zone))[1]
        assert is_covered() == sunday_is_over, morning


def utc(*parts: int) -> dt.datetime:
    return dt.datetime(*parts, tzinfo=dt.UTC)
