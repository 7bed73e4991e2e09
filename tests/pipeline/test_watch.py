"""The watch: a rush is told to the account manager once, in office hours; everything else is left in peace."""

import datetime as dt
import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from email import message_from_bytes
from email.policy import SMTP

import pytest
from sqlalchemy import URL, Engine, text

from databases import temporary_database
from mail_server import MailServer
from rushes import DAY, HOUR, NOW, SAID, bakery, pull, read_quiet_days, rush_until, tell_and_die
from widerview.agency.models import WEEKDAYS, Client
from widerview.delivery.outbox import list_rows
from widerview.delivery.smtp import SmtpSettings
from widerview.pipeline import watch, weekly
from widerview.warehouse.database import connect
from widerview.warehouse.migrate import migrate

SATURDAY = dt.datetime(2026, 11, 21, 10, 30, tzinfo=dt.UTC)
OTHER = {"client_id": "quay-gym", "handle": "gym.example"}


@pytest.fixture(scope="session")
def read(postgres: URL) -> Iterator[str]:
    """The name of a warehouse that has read two clients every night; databases of tests are copies of it."""
    with temporary_database(postgres) as url:
        address = url.render_as_string(hide_password=False)
        migrate(address)
        engine = connect(address)
        read_quiet_days(engine)
        read_quiet_days(engine, **OTHER)
        engine.dispose()
        yield str(url.database)


@pytest.fixture
def warehouse(postgres: URL, read: str) -> Iterator[Engine]:
    with temporary_database(postgres, read) as url:
        engine = connect(url.render_as_string(hide_password=False))
        yield engine
        engine.dispose()


def look_and_tell(engine: Engine, server: MailServer, now: dt.datetime, client: Client | None = None) -> watch.Told:
    """One run of the DAG."""
    client = client or bakery()
    if not watch.watch(engine, client, now).due:
        return watch.Told(0)
    settings = SmtpSettings("127.0.0.1", server.port, security="none")
    return watch.tell(engine, client, lambda: settings, lambda: now)


def texts(server: MailServer) -> list[tuple[str, str, str]]:
    """To whom, subject and text of each mail."""
    mails = [(to, message_from_bytes(mail, policy=SMTP)) for to, mail in server.mails]
    return [(to, mail["Subject"], mail.get_content().replace("\r\n", "\n")) for to, mail in mails]


def test_quiet_days_are_left_in_peace(warehouse: Engine, server: MailServer) -> None:
    for hours in range(0, 24, 2):
        seen = watch.watch(warehouse, bakery(), NOW + hours * HOUR)
        assert (seen.crises, seen.due, seen.unwatched) == ((), False, ())
    assert not server.mails


def test_a_rush_is_told_with_what_was_seen_since_when_where_and_what_to_do(
    warehouse: Engine, server: MailServer
) -> None:
    pull(warehouse, rush_until(NOW - HOUR), NOW)
    assert look_and_tell(warehouse, server, NOW) == watch.Told(1)
    [(to, subject, told)] = texts(server)
    assert to == "manager@agency.example"
    assert subject == "Otter Bakery: many more comments than usual"
    # From 05:40 on Berlin's clock one comment every ten minutes; looks are on even hours UTC.
    assert "What was seen: 30 comments in the 12 hours up to Wednesday 18 November, 11:00." in told
    assert "On nine of ten days there are none at that time." in told
    assert "first seen on Wednesday 18 November, 07:00" in told
    assert "- Bluesky, 30 comments: https://social.example/otter-bakery/p1" in told
    assert "1. Read what people write." in told
    assert "Otter Bakery gets no mail like this." in told
    assert SAID not in told, "words of strangers stay where they were written"
    assert "gym" not in told


def test_a_rush_is_told_once_and_its_end_once(warehouse: Engine, server: MailServer) -> None:
    pull(warehouse, rush_until(NOW - HOUR), NOW)
    for hours in range(0, 60, 2):  # office hours or not, a pull a night
        now = NOW + hours * HOUR
        if now.hour == 4:
            pull(warehouse, [now - 16 * HOUR], now)
        look_and_tell(warehouse, server, now)
    assert [subject for _, subject, _ in texts(server)] == [
        "Otter Bakery: many more comments than usual",
        "Otter Bakery: comments are back to usual",
    ]
    assert "This is the last mail about it." in texts(server)[1][2]


def test_one_that_lasts_is_told_to_last_once(warehouse: Engine, server: MailServer) -> None:
    for day in range(6):
        now = NOW + day * DAY
        pull(warehouse, rush_until(now - HOUR, 60), now)
        look_and_tell(warehouse, server, now)
        look_and_tell(warehouse, server, now + 2 * HOUR)
    assert [subject for _, subject, _ in texts(server)] == [
        "Otter Bakery: many more comments than usual",
        "Otter Bakery: still more comments than usual",
    ]


@pytest.mark.parametrize(
    ("now", "holidays", "opens"),
    [
        ("2026-11-21T10:30", {}, "2026-11-23T07:00"),  # a Saturday
        ("2026-11-18T19:30", {}, "2026-11-19T07:00"),  # an evening
        ("2026-11-18T10:30", {"also": ["2026-11-18"]}, "2026-11-19T07:00"),
        ("2026-12-24T18:30", {"country": "DE"}, "2026-12-28T07:00"),  # two holidays and a weekend
        ("2026-03-28T10:30", {}, "2026-03-30T06:00"),  # the clock goes forward on Sunday
        ("2026-10-24T10:30", {}, "2026-10-26T07:00"),  # and back
    ],
)
def test_nobody_is_told_outside_office_hours(
    postgres: URL, server: MailServer, now: str, holidays: dict[str, object], opens: str
) -> None:
    at, opening = (dt.datetime.fromisoformat(each).replace(tzinfo=dt.UTC) for each in (now, opens))
    client = bakery(holidays=holidays)
    with temporary_database(postgres) as url:
        address = url.render_as_string(hide_password=False)
        migrate(address)
        engine = connect(address)
        read_quiet_days(engine, until=at, days=16)
        pull(engine, rush_until(at - HOUR), at)
        assert look_and_tell(engine, server, at, client) == watch.Told(0, opening)
        assert look_and_tell(engine, server, opening - dt.timedelta(minutes=1), client).wait_until == opening
        assert not server.mails
        assert look_and_tell(engine, server, opening, client) == watch.Told(1)
        engine.dispose()
    assert len(server.mails) == 1


def test_who_is_on_call_is_told_at_any_hour(warehouse: Engine, server: MailServer) -> None:
    on_call = bakery(crisis={"alert": ["night@agency.example", "day@agency.example"], "on_call": True})
    night = NOW + 12 * HOUR
    pull(warehouse, rush_until(night - HOUR), night)
    assert look_and_tell(warehouse, server, night, on_call) == watch.Told(2)
    assert server.received == {"night@agency.example": 1, "day@agency.example": 1}
    assert "you are on call" in texts(server)[0][2]


def test_what_waited_over_the_weekend_tells_how_it_is_then_and_no_more_after(
    warehouse: Engine, server: MailServer
) -> None:
    monday = dt.datetime(2026, 11, 23, 7, 0, tzinfo=dt.UTC)
    for ago in (2, 1):  # Thursday and Friday
        pull(warehouse, [], SATURDAY - ago * DAY)
    pull(warehouse, rush_until(SATURDAY - HOUR), SATURDAY)
    assert look_and_tell(warehouse, server, SATURDAY).wait_until == monday
    for now in (SATURDAY + DAY, monday - 2 * HOUR):
        pull(warehouse, [], now)
        watch.watch(warehouse, bakery(), now)
    assert look_and_tell(warehouse, server, monday) == watch.Told(1)
    assert "it was so from Saturday 21 November" in texts(server)[0][2]
    for hours in range(2, 100, 10):
        pull(warehouse, [], monday + hours * HOUR)
        assert look_and_tell(warehouse, server, monday + hours * HOUR).sent == 0
    assert len(server.mails) == 1


def test_two_runs_at_once_send_one(warehouse: Engine, server: MailServer) -> None:
    pull(warehouse, rush_until(NOW - HOUR), NOW)
    server.may_answer.clear()

    def run(_: int) -> object:
        try:
            return look_and_tell(warehouse, server, NOW)
        except weekly.NotSent:  # the other one is at it
            return None

    with ThreadPoolExecutor(4) as pool:
        runs = pool.map(run, range(4))
        assert server.reading.wait(30)
        server.may_answer.set()
        outcomes = list(runs)
    assert watch.Told(1) in outcomes
    assert len(server.mails) == 1
    with warehouse.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM crisis")) == 1


def test_a_kill_between_sending_and_the_answer_sends_nothing_twice(warehouse: Engine, server: MailServer) -> None:
    pull(warehouse, rush_until(NOW - HOUR), NOW)
    watch.watch(warehouse, bakery(), NOW)
    url = warehouse.url.set(drivername="postgresql").render_as_string(hide_password=False)
    sender = multiprocessing.get_context("spawn").Process(target=tell_and_die, args=(url, server.port, NOW))
    sender.start()
    sender.join(60)
    assert sender.exitcode == -9
    with pytest.raises(weekly.NeedsAPerson, match="1 uncertain"):
        look_and_tell(warehouse, server, NOW + HOUR)
    assert look_and_tell(warehouse, server, NOW + 2 * HOUR) == watch.Told(0), "a person has been called once"
    assert len(server.mails) == 1


def test_what_the_mail_server_puts_off_is_sent_by_a_later_run(warehouse: Engine, server: MailServer) -> None:
    pull(warehouse, rush_until(NOW - HOUR), NOW)
    server.faults["RCPT"] = "451 try later"
    with pytest.raises(weekly.NotSent):
        look_and_tell(warehouse, server, NOW)
    server.faults.clear()
    assert look_and_tell(warehouse, server, NOW + HOUR) == watch.Told(1)
    assert len(server.mails) == 1


def test_a_rush_to_another_client_is_that_clients_alone(warehouse: Engine, server: MailServer) -> None:
    pull(warehouse, rush_until(NOW - HOUR), NOW, **OTHER)
    assert look_and_tell(warehouse, server, NOW) == watch.Told(0)
    gym = bakery(client="quay-gym", name="Quay Gym", accounts=[{"platform": "bluesky", "handle": "gym.example"}])
    assert look_and_tell(warehouse, server, NOW, gym) == watch.Told(1)
    told = texts(server)[0][2]
    assert "https://social.example/quay-gym/p1" in told
    assert "otter" not in told.lower()
    with warehouse.connect() as connection:
        assert {row.client_id for row in list_rows(connection)} == {"quay-gym"}


def test_comments_count_when_they_were_written_however_late_they_are_known(
    warehouse: Engine, server: MailServer
) -> None:
    pull(warehouse, rush_until(NOW - HOUR), NOW + 18 * HOUR)  # read the next night
    assert watch.watch(warehouse, bakery(), NOW).crises == ()
    [crisis] = watch.watch(warehouse, bakery(), NOW + 18 * HOUR).crises
    assert crisis.first_look == dt.datetime(2026, 11, 18, 6, tzinfo=dt.UTC)
    assert crisis.comments == 30
    assert look_and_tell(warehouse, server, NOW + 22 * HOUR) == watch.Told(1)


def test_what_was_heard_of_days_later_is_no_alarm(warehouse: Engine) -> None:
    pull(warehouse, rush_until(NOW - HOUR), NOW + 4 * DAY, first=NOW.date() - DAY)
    assert watch.watch(warehouse, bakery(), NOW + 4 * DAY).crises == ()


def test_an_account_that_is_not_read_is_named_and_raises_no_alarm(warehouse: Engine) -> None:
    seen = watch.watch(warehouse, bakery(), NOW + 2 * DAY)
    assert seen.unwatched == ("Bluesky otter.example has not been read since 2026-11-18 04:00 UTC",)
    assert not seen.due


def test_a_new_account_has_no_past_and_hides_no_other(warehouse: Engine, server: MailServer) -> None:
    new = {"platform": "mastodon", "handle": "@otter@social.example", "connection": None}
    client = bakery(accounts=[{"platform": "bluesky", "handle": "otter.example"}, new])
    assert watch.watch(warehouse, client, NOW).unwatched == ("Mastodon @otter@social.example has not been read yet",)
    history = NOW.date() - 180 * DAY
    pull(warehouse, rush_until(NOW - HOUR, 300), NOW, source="mastodon", handle="@otter@social.example", first=history)
    alone = bakery(accounts=[new])
    seen = watch.watch(warehouse, alone, NOW)
    assert seen.unwatched == ("Mastodon @otter@social.example has no past yet: 2 of 14 days are known",)
    assert seen.crises == ()
    pull(warehouse, rush_until(NOW - HOUR), NOW)
    assert look_and_tell(warehouse, server, NOW, client) == watch.Told(1), "the other account is watched all the same"
    told = texts(server)[0][2]
    assert "What was seen: 30 comments" in told
    assert "Not watched:\n- Mastodon @otter@social.example has no past yet" in told


def test_where_nobody_is_to_be_told_it_is_seen_in_airflow_only(warehouse: Engine) -> None:
    pull(warehouse, rush_until(NOW - HOUR), NOW)
    client = bakery(crisis={"alert": []})
    seen = watch.watch(warehouse, client, NOW)
    assert not seen.due
    assert "nobody is to be told" in watch.describe(client, seen.crises[0])


def test_the_senders_answers_go_where_alerts_go_unless_told_otherwise() -> None:
    assert bakery(crisis={}).alerted == ("mira@agency.example",)
    sender = bakery().sender.model_copy(update={"reply_to": "team@agency.example"})
    assert bakery(crisis={}, sender=sender.model_dump()).alerted == ("team@agency.example",)
    with pytest.raises(ValueError, match="the same address stands here twice"):
        bakery(crisis={"alert": ["a@agency.example", "A@agency.example"]})


def test_an_alert_is_no_report_that_left(warehouse: Engine, server: MailServer) -> None:
    pull(warehouse, rush_until(NOW - HOUR), NOW)
    look_and_tell(warehouse, server, NOW)
    with warehouse.connect() as connection:
        assert [mail.state for mail in list_rows(connection)] == ["sent"]
        assert weekly.reports_that_left(connection, "otter-bakery") == []


def test_an_office_that_is_always_open_needs_no_waiting(warehouse: Engine, server: MailServer) -> None:
    always = {day: {"opens": "00:00", "closes": "24:00"} for day in WEEKDAYS}
    pull(warehouse, rush_until(NOW + 11 * HOUR), NOW + 12 * HOUR)
    assert look_and_tell(warehouse, server, NOW + 12 * HOUR, bakery(office_hours=always)) == watch.Told(1)
