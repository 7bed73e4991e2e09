"""What the canary misses is told to the agency by mail: once, while somebody is at work, with what to do about it."""

import datetime as dt
from collections.abc import Iterator
from email import message_from_bytes, policy
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowRescheduleException, AirflowSkipException
from sqlalchemy import URL, Engine, text

from databases import temporary_database
from mail_server import MailServer
from otter_bakery import client
from widerview.agency.load import Agency
from widerview.agency.models import Client
from widerview.delivery.smtp import SmtpSettings
from widerview.pipeline import canary, review, steps
from widerview.sources.base import Target, UnavailableRow, Window
from widerview.warehouse import missing_metrics
from widerview.warehouse.database import connect
from widerview.warehouse.load import load_pull
from widerview.warehouse.migrate import migrate

THURSDAY = dt.datetime(2026, 11, 19, 6, tzinfo=dt.UTC)
"""When the canary sings: seven in Berlin, an hour before the agency opens."""
OPEN = THURSDAY.replace(hour=7)
WEEK, HOUR = dt.timedelta(days=7), dt.timedelta(hours=1)
BAKERY = Target(client_id="otter-bakery", source="bluesky", ref="otter.example", time_zone="Europe/Berlin")
WITHHELD = "(#10) Reading this takes the permission read_insights"


@pytest.fixture
def warehouse(postgres: URL) -> Iterator[Engine]:
    with temporary_database(postgres) as url:
        address = url.render_as_string(hide_password=False)
        migrate(address)
        engine = connect(address)
        yield engine
        engine.dispose()


def missed(target: Target = BAKERY, /, **reasons: str) -> dict[str, UnavailableRow]:
    return {
        metric: UnavailableRow(
            client_id=target.client_id, source=target.source, observed_at=THURSDAY, receipt="00" * 32, metric=metric,
            native_metric=f"native_{metric}", reason=reason,
        )
        for metric, reason in reasons.items()
    }  # fmt: skip


def sang(engine: Engine, now: dt.datetime, target: Target = BAKERY, **reasons: str) -> None:
    """The canary has asked, and these were missing."""
    with engine.begin() as connection:
        missing_metrics.remember(connection, target, missed(target, **reasons), now)


def tell(engine: Engine, server: MailServer, now: dt.datetime, *clients: Client) -> canary.Told:
    smtp = SmtpSettings("127.0.0.1", server.port, security="none")
    return canary.tell(engine, {each.client: each for each in clients or (client(),)}, lambda: smtp, lambda: now)


def mails(server: MailServer) -> list[tuple[str, str, str]]:
    """To whom, subject and words of each."""
    found = []
    for to, mail in server.mails:
        message: Any = message_from_bytes(mail, policy=policy.default)
        found.append((to, message["Subject"], " ".join(message.get_body(("plain",)).get_content().split())))
    return found


def owned(**more: Any) -> Client:
    """The bakery, of whose agency the owner is known."""
    written = client().model_dump(mode="json", exclude_none=True)
    return Client.model_validate(written | {"sender": written["sender"] | {"owner": "olu@agency.example"}} | more)


def pulled(engine: Engine, at: dt.datetime, **unavailable: str) -> None:
    load_pull(
        engine, load_id=f"{at:%Y%m%d}", target=BAKERY, window=Window(at.date(), at.date()), started_at=at, ended_at=at,
        digest=str(at).encode(), recorded_at=at, rows=[], unavailable=unavailable,
    )  # fmt: skip


def test_the_mail_names_account_metric_source_since_when_what_reports_say_and_what_to_do(
    warehouse: Engine, server: MailServer
) -> None:
    for day, gone in ((16, {}), (17, {"likes": "no"}), (18, {"likes": "no"})):
        pulled(warehouse, THURSDAY.replace(day=day, hour=2), **gone)
    sang(warehouse, THURSDAY, likes="Unknown field native_likes", quotes=WITHHELD)
    assert tell(warehouse, server, OPEN, owned()) == canary.Told(1)
    [(to, subject, words), (owner, *_)] = mails(server)
    assert (to, owner) == ("mira@agency.example", "olu@agency.example")
    assert subject == "Bluesky does not give likes and quotes any more"
    assert "Bluesky was asked for each number of otter.example of Otter Bakery alone" in words
    assert (
        "- likes (native_likes), missing from every pull since Tuesday 17 November, 03:00. Bluesky says: Unknown"
        in words
    )
    assert "- quotes (native_quotes), first missed on Thursday 19 November, 07:00; the last pull still had it" in words
    assert WITHHELD in words
    assert "“not reported” where such a number stood, never 0" in words
    assert "Bluesky does not give likes." in words
    assert "What to do: 1." in words
    assert "writes the day of the change into bluesky.yaml" in words
    assert "No other client has an account or site there." in words
    assert "clients get no mail like this" in words


def test_it_waits_until_somebody_is_at_the_agency_and_is_there_long_before_the_reports(
    warehouse: Engine, server: MailServer
) -> None:
    sang(warehouse, THURSDAY, likes="gone")
    assert tell(warehouse, server, THURSDAY) == canary.Told(0, OPEN)
    assert not server.mails
    assert tell(warehouse, server, OPEN) == canary.Told(1)
    holiday = owned(holidays={"also": ["2026-11-19"]})
    sang(warehouse, THURSDAY, quotes="gone")
    assert tell(warehouse, server, OPEN, holiday) == canary.Told(0, OPEN + dt.timedelta(days=1))


def test_the_task_comes_back_when_the_agency_opens_and_is_skipped_when_there_is_nothing_to_tell(
    warehouse: Engine, server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    agency = Agency(clients={"otter-bakery": client()}, broken=[])
    monkeypatch.setattr(steps, "agency", lambda: agency)
    monkeypatch.setattr(steps.connections, "warehouse", lambda: warehouse)
    monkeypatch.setattr(steps.connections, "smtp", lambda: SmtpSettings("127.0.0.1", server.port, security="none"))
    sang(warehouse, THURSDAY, likes="gone")
    monkeypatch.setattr(steps, "utc_now", lambda: THURSDAY)
    with pytest.raises(AirflowRescheduleException) as caught:
        steps.tell_missing()
    assert caught.value.reschedule_date == OPEN
    monkeypatch.setattr(steps, "utc_now", lambda: OPEN)
    assert steps.tell_missing() == 1
    with pytest.raises(AirflowSkipException):
        steps.tell_missing()


def test_one_finding_is_told_once_week_after_week(warehouse: Engine, server: MailServer) -> None:
    for week in range(4):
        sang(warehouse, THURSDAY + week * WEEK, likes="Unknown field native_likes")
        for hours in range(3):
            tell(warehouse, server, OPEN + week * WEEK + hours * HOUR)
    assert len(server.mails) == 1


@pytest.mark.parametrize(
    ("said", "mails_in_all"),
    [
        ("Unknown field native_likes (trace 8f3a, 2026-11-26)", 1),
        ("UNKNOWN FIELD native_likes (trace 1)", 1),
        ("This endpoint is retired", 2),
    ],
)
def test_it_is_told_anew_for_another_reason_and_not_for_another_number_in_the_words(
    warehouse: Engine, server: MailServer, said: str, mails_in_all: int
) -> None:
    sang(warehouse, THURSDAY, likes="Unknown field native_likes (trace 77b1, 2026-11-19)")
    tell(warehouse, server, OPEN)
    sang(warehouse, THURSDAY + WEEK, likes=said)
    tell(warehouse, server, OPEN + WEEK)
    assert len(server.mails) == mails_in_all


def test_what_was_given_in_between_and_is_missing_again_is_told_again(warehouse: Engine, server: MailServer) -> None:
    sang(warehouse, THURSDAY, likes="gone", quotes="gone")
    tell(warehouse, server, OPEN)
    sang(warehouse, THURSDAY + WEEK, quotes="gone")
    tell(warehouse, server, OPEN + WEEK)
    sang(warehouse, THURSDAY + 2 * WEEK, likes="gone", quotes="gone")
    tell(warehouse, server, OPEN + 2 * WEEK)
    assert [subject for _, subject, _ in mails(server)] == [
        "Bluesky does not give likes and quotes any more",
        "Bluesky does not give likes any more",
    ]


def test_whoever_looks_after_another_client_there_is_told_too_each_address_once(
    warehouse: Engine, server: MailServer
) -> None:
    written = owned().model_dump(mode="json", exclude_none=True)
    gym = Client.model_validate(
        written | {"client": "quay-gym", "name": "Quay Gym",
                   "sender": written["sender"] | {"reply_to": "gym-team@agency.example"}}
    )  # fmt: skip
    elsewhere = Client.model_validate(
        written | {"client": "far", "name": "Far", "sender": written["sender"] | {"reply_to": "far@agency.example"},
                   "accounts": [{"platform": "mastodon", "handle": "@far@social.example"}]}
    )  # fmt: skip
    sang(warehouse, THURSDAY, likes="gone")
    assert tell(warehouse, server, OPEN, owned(), gym, elsewhere) == canary.Told(1)
    assert server.received == {
        "mira@agency.example": 1, "olu@agency.example": 1, "gym-team@agency.example": 1,
    }  # fmt: skip
    assert "These clients have accounts or sites there, too: Quay Gym." in mails(server)[0][2]


def test_what_the_mail_server_does_not_take_is_told_later_and_costs_no_other(
    warehouse: Engine, server: MailServer
) -> None:
    sang(warehouse, THURSDAY, likes="gone")
    dead = SmtpSettings("127.0.0.1", 9, security="none")
    with pytest.raises(review.NotTold, match=r"Otter Bakery, Bluesky: .*mira@agency\.example"):
        canary.tell(warehouse, {"otter-bakery": client()}, lambda: dead, lambda: OPEN)
    assert tell(warehouse, server, OPEN + HOUR) == canary.Told(1)
    assert tell(warehouse, server, OPEN + 2 * HOUR) == canary.Told(0)


def test_an_address_that_is_refused_keeps_nobody_else_from_being_told_and_nobody_is_told_twice(
    warehouse: Engine, server: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    sang(warehouse, THURSDAY, likes="gone")
    server.faults["RCPT", "olu@agency.example"] = "550 no such user"
    assert tell(warehouse, server, OPEN, owned()) == canary.Told(1)
    assert tell(warehouse, server, OPEN + HOUR, owned()) == canary.Told(0)
    assert server.received == {"mira@agency.example": 1}
    assert "olu@agency.example" in caplog.text


def test_the_same_metric_of_two_platforms_is_two_findings(warehouse: Engine, server: MailServer) -> None:
    both = client(accounts=[{"platform": "bluesky", "handle": "otter.example"},
                            {"platform": "mastodon", "handle": "@otter@social.example"}])  # fmt: skip
    mastodon = Target(client_id="otter-bakery", source="mastodon", ref="@otter@social.example", time_zone="UTC")
    pulled(warehouse, THURSDAY.replace(day=18, hour=2), likes="gone")
    sang(warehouse, THURSDAY, likes="gone")
    sang(warehouse, THURSDAY, mastodon, likes="hidden")
    assert tell(warehouse, server, OPEN, both) == canary.Told(2)
    first, second = (words for *_, words in mails(server))
    assert "missing from every pull since Wednesday 18 November" in first
    assert "the last pull still had it" in second


def test_a_client_that_is_gone_is_told_of_no_more(warehouse: Engine, server: MailServer) -> None:
    sang(warehouse, THURSDAY, Target(client_id="long-gone", source="bluesky", ref="x", time_zone="UTC"), likes="gone")
    assert tell(warehouse, server, OPEN) == canary.Told(0)
    with warehouse.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM missing_metric")) == 1
