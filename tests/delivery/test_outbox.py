"""The outbox against a real PostgreSQL and a mail server that fails in every way it can."""

import datetime as dt
import itertools
import multiprocessing
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Engine, text, update

from crashing_sender import nothing_stops, send_and_die
from mail_server import DROP, MailServer
from otter_bakery import NOW, mails
from widerview.delivery.message import Mail
from widerview.delivery.outbox import (
    BACKOFF,
    MOST_ATTEMPTS,
    OutboxConflict,
    Summary,
    close,
    deliver,
    drain,
    hold_still,
    list_rows,
    queue,
    record_bounce,
    release,
    resolve,
    status,
    stop,
    supersede,
)
from widerview.delivery.smtp import Mailer, SmtpSettings
from widerview.delivery.suppression import lift, list_suppressed, suppress
from widerview.warehouse.tables import outbox

KEY = {"client_id": "otter-bakery", "period": "2026-W47", "revision": 1}
ANNA, BEN = "anna@otter.example", "ben@otter.example"


def put(engine: Engine, *recipients: str, revision: int = 1) -> int:
    with engine.begin() as connection:
        return queue(connection, **KEY | {"revision": revision}, mails=mails(*recipients, revision=revision), now=NOW)


def mailer_to(port: int) -> Callable[[], Mailer]:
    return lambda: Mailer(SmtpSettings("127.0.0.1", port, security="none", timeout=10))


def send(engine: Engine, port: int, revision: int = 1, now: dt.datetime = NOW) -> Summary:
    return deliver(engine, **KEY | {"revision": revision}, guard=nothing_stops,
                   mailer_factory=mailer_to(port), is_open=lambda: True, clock=lambda: now)  # fmt: skip


def states(summary: Summary) -> dict[str, str]:
    return {outcome.recipient: outcome.state for outcome in summary.outcomes}


def test_every_recipient_gets_the_stored_bytes_once_over_one_connection(
    warehouse: Engine, mail_server: MailServer
) -> None:
    assert put(warehouse, BEN, ANNA) == 2
    first, second = send(warehouse, mail_server.port), send(warehouse, mail_server.port)
    assert states(first) == states(second) == {ANNA: "sent", BEN: "sent"}
    assert first.sent == first.outcomes
    assert mail_server.mails == [(mail.recipient, mail.message) for mail in mails(ANNA, BEN)]
    assert mail_server.connections == 1
    with warehouse.connect() as connection:
        assert status(connection, **KEY) == {"sent": 2}
        rows = list_rows(connection, **KEY)
    assert [(row.recipient, row.state, row.attempts, row.answer) for row in rows] == [
        (ANNA, "sent", 1, "250 taken"),
        (BEN, "sent", 1, "250 taken"),
    ]


def test_queueing_again_changes_nothing(warehouse: Engine, mail_server: MailServer) -> None:
    put(warehouse, ANNA)
    send(warehouse, mail_server.port)
    with warehouse.begin() as connection:
        assert queue(connection, **KEY, mails=[Mail(ANNA, "<other@agency.example>", b"other\r\n")], now=NOW) == 0
        assert list_rows(connection, **KEY)[0].message_id == f"<{ANNA}>"
    assert put(warehouse, ANNA.capitalize(), BEN) == 0, "who comes onto the list later gets the next report"
    assert states(send(warehouse, mail_server.port)) == {ANNA: "sent"}
    assert mail_server.received == {ANNA: 1}


def test_a_report_is_sent_alone(warehouse: Engine, mail_server: MailServer) -> None:
    put(warehouse, ANNA)
    put(warehouse, BEN, revision=2)
    assert states(send(warehouse, mail_server.port, revision=2)) == {BEN: "sent"}
    assert mail_server.received == {BEN: 1}
    with warehouse.connect() as connection:
        assert [row.recipient for row in list_rows(connection, state="ready")] == [ANNA]


FAULTS = [
    ("greeting", "421 busy", "ready"),
    ("greeting", "554 go away", "ready"),
    ("greeting", DROP, "ready"),
    ("MAIL", "451 later", "ready"),
    ("MAIL", "421 closing", "ready"),
    ("MAIL", "550 not you", "failed"),
    ("MAIL", DROP, "ready"),
    ("RCPT", "450 greylisted", "ready"),
    ("RCPT", "550 no such user", "failed"),
    ("RCPT", "-1 nonsense", "ready"),
    ("RCPT", DROP, "ready"),
    ("DATA", "451 later", "ready"),
    ("DATA", "554 no", "failed"),
    ("DATA", "250 what", "ready"),
    ("DATA", DROP, "ready"),
    ("body", DROP, "uncertain"),
    ("answer", "451 later", "ready"),
    ("answer", "421 closing", "ready"),
    ("answer", "554 looks like spam", "failed"),
    ("answer", "-1 nonsense", "uncertain"),
    ("answer", "250 " + "x" * 9000, "uncertain"),
    ("answer", DROP, "uncertain"),
]


@pytest.mark.parametrize(("step", "fault", "state"), FAULTS, ids=[f"{step}-{fault[:12]}" for step, fault, _ in FAULTS])
def test_every_fault_leaves_the_state_that_is_true_of_it(
    warehouse: Engine, mail_server: MailServer, step: str, fault: str, state: str
) -> None:
    put(warehouse, ANNA, BEN)
    mail_server.faults[step if step == "greeting" else (step, ANNA)] = fault
    if step == "MAIL":
        mail_server.faults["MAIL"] = fault
    summary = send(warehouse, mail_server.port)
    assert states(summary)[ANNA] == state
    if fault != DROP:
        assert fault.split(maxsplit=1)[0] in str(summary) or state == "uncertain"
    if step not in {"greeting", "MAIL"}:
        assert states(summary)[BEN] == "sent", "one recipient's fault is that recipient's"

    mail_server.faults.clear()
    later = send(warehouse, mail_server.port, now=NOW + BACKOFF[0])
    assert states(later) == {
        ANNA: "sent" if state == "ready" else state,
        BEN: "failed" if fault == "550 not you" else "sent",
    }
    assert mail_server.received[ANNA] <= 1
    if state == "ready":
        assert mail_server.received[ANNA] == 1


def test_a_server_that_cannot_be_reached_is_asked_once(warehouse: Engine) -> None:
    put(warehouse, ANNA, BEN)
    with socket.socket() as taken:  # bound and not listening: connections are refused
        taken.bind(("127.0.0.1", 0))
        summary = send(warehouse, taken.getsockname()[1])
    assert summary.deferred == summary.outcomes
    assert "cannot connect to 127.0.0.1" in str(summary)


def test_a_row_left_while_transmitting_is_uncertain_and_never_sent_again(
    warehouse: Engine, mail_server: MailServer
) -> None:
    put(warehouse, ANNA, BEN)
    with warehouse.begin() as connection:
        connection.execute(update(outbox).where(outbox.c.recipient == ANNA).values(state="transmitting"))
        connection.execute(update(outbox).where(outbox.c.recipient == BEN).values(state="claimed"))
    for _ in range(2):
        summary = send(warehouse, mail_server.port)
        assert states(summary) == {ANNA: "uncertain", BEN: "sent"}
    assert [outcome.recipient for outcome in summary.uncertain] == [ANNA]
    assert "before the server's answer was stored" in str(summary)
    assert mail_server.received == {BEN: 1}


@pytest.mark.parametrize(("arrived", "state", "received"), [(True, "sent", 0), (False, "sent", 1)])
def test_a_person_resolves_what_is_uncertain(
    warehouse: Engine, mail_server: MailServer, arrived: bool, state: str, received: int
) -> None:
    put(warehouse, ANNA)
    with warehouse.begin() as connection:
        connection.execute(update(outbox).values(state="uncertain", attempts=1))
        resolve(connection, **KEY, recipient=ANNA, arrived=arrived, by="mira", now=NOW)
        assert (list_rows(connection)[0].resolved or "").startswith("mira: ")
    assert states(send(warehouse, mail_server.port)) == {ANNA: state}
    assert mail_server.received[ANNA] == received


@pytest.mark.parametrize("state", ["ready", "claimed", "transmitting", "sent", "failed"])
def test_only_what_is_uncertain_can_be_resolved(warehouse: Engine, state: str) -> None:
    put(warehouse, ANNA)
    with warehouse.begin() as connection:
        connection.execute(update(outbox).values(state=state))
        with pytest.raises(OutboxConflict, match="cannot become ready"):
            resolve(connection, **KEY, recipient=ANNA, arrived=False, by="mira", now=NOW)
        with pytest.raises(OutboxConflict):
            resolve(connection, **KEY, recipient=BEN, arrived=False, by="mira", now=NOW)


def test_a_damaged_mail_is_not_sent(warehouse: Engine, mail_server: MailServer) -> None:
    put(warehouse, ANNA)
    with warehouse.begin() as connection:
        connection.execute(update(outbox).values(message=b"From: <x@other.example>\r\n\r\nother\r\n"))
    summary = send(warehouse, mail_server.port)
    assert "no longer has the sha256" in str(summary.failed[0].answer)
    assert mail_server.mails == []


def test_what_is_put_off_waits_longer_each_time_and_is_given_up_in_the_end(
    warehouse: Engine, mail_server: MailServer
) -> None:
    put(warehouse, ANNA)
    mail_server.faults["RCPT"] = "451 greylisted"
    now, waited = NOW, []
    for _ in range(MOST_ATTEMPTS - 1):
        again_at = send(warehouse, mail_server.port, now=now).again_at
        assert again_at is not None
        waited.append(again_at - now)
        early = send(warehouse, mail_server.port, now=again_at - dt.timedelta(seconds=1))
        assert (states(early), early.again_at) == ({ANNA: "ready"}, again_at), "not before its time"
        now = again_at
    assert waited[: len(BACKOFF)] == list(BACKOFF)
    assert set(waited[len(BACKOFF) :]) == {BACKOFF[-1]}
    [given_up] = send(warehouse, mail_server.port, now=now).failed
    assert given_up.answer == "given up after 12 attempts: 451 greylisted"
    mail_server.faults.clear()
    send(warehouse, mail_server.port, now=now + dt.timedelta(days=9))
    assert mail_server.mails == []


@pytest.mark.parametrize(
    ("reply", "left_alone"),
    [("550 5.1.1 no such user", True), ("550 5.2.1 gone", True), ("550 no", False), ("550 5.7.1 spam", False),
     ("550 5.1.8 bad sender", False)],
)  # fmt: skip
def test_only_an_address_that_does_not_exist_is_left_alone_from_then_on(
    warehouse: Engine, mail_server: MailServer, reply: str, left_alone: bool
) -> None:
    put(warehouse, ANNA)
    mail_server.faults["RCPT"] = reply
    assert states(send(warehouse, mail_server.port)) == {ANNA: "failed"}
    mail_server.faults.clear()
    put(warehouse, ANNA, revision=2)
    assert states(send(warehouse, mail_server.port, 2)) == {ANNA: "suppressed" if left_alone else "sent"}
    assert mail_server.received[ANNA] == (0 if left_alone else 1)


def test_a_recipient_who_unsubscribed_gets_nothing_until_that_is_lifted(
    warehouse: Engine, mail_server: MailServer
) -> None:
    put(warehouse, ANNA, BEN)
    of_anna = {"client_id": "otter-bakery", "recipient": ANNA.upper()}
    with warehouse.begin() as connection:
        assert suppress(connection, **of_anna, kind="unsubscribed", detail="by the link", now=NOW)
        assert not suppress(connection, **of_anna, kind="bounced", detail="later", now=NOW), "the first reason stands"
        assert suppress(connection, client_id="fox", recipient=BEN, kind="unsubscribed", detail="x", now=NOW)
    summary = send(warehouse, mail_server.port)
    assert states(summary) == {ANNA: "suppressed", BEN: "sent"}, "another client's recipients are its own"
    assert "unsubscribed on 24 November 2026 (by the link)" in str(summary)
    assert not summary.needs_a_person
    with warehouse.begin() as connection:
        lift(connection, **of_anna, by="mira", why="She asked for it")
        with pytest.raises(LookupError, match="nothing keeps mails"):
            lift(connection, **of_anna, by="mira", why="again")
        assert [each.client_id for each in list_suppressed(connection)] == ["fox"]
    put(warehouse, ANNA, revision=2)
    assert states(send(warehouse, mail_server.port, 2)) == {ANNA: "sent"}
    with warehouse.begin() as connection:
        assert suppress(connection, **of_anna, kind="complained", detail="spam", now=NOW), "and can be left alone again"


def test_what_the_guard_stops_is_held_until_a_person_lets_it_go(warehouse: Engine, mail_server: MailServer) -> None:
    put(warehouse, ANNA)

    def guarded() -> Summary:
        return deliver(warehouse, **KEY, guard=lambda row, _: None if row.released else "names the fox",
                       mailer_factory=mailer_to(mail_server.port), is_open=lambda: True, clock=lambda: NOW)  # fmt: skip

    for _ in range(2):
        assert [outcome.answer for outcome in guarded().held] == ["names the fox"]
    with warehouse.begin() as connection:
        assert list_rows(connection)[0].attempts == 0, "it was never claimed"
        release(connection, **KEY, recipient=ANNA, by="mira", why="They work together", now=NOW)
        with pytest.raises(OutboxConflict):
            release(connection, **KEY, recipient=ANNA, by="mira", why="again", now=NOW)
    assert states(guarded()) == {ANNA: "sent"}
    with warehouse.connect() as connection:
        assert list_rows(connection)[0].released == "mira: They work together"


def superseded(engine: Engine, **which: Any) -> int:
    with engine.begin() as connection:
        of_period = {"client_id": KEY["client_id"], "period": KEY["period"]}
        hold_still(connection, **of_period)
        return supersede(connection, **of_period, why="revision 9 has been composed", now=NOW, **which)


def set_state(engine: Engine, state: str, *where: Any) -> None:
    with engine.begin() as connection:
        connection.execute(update(outbox).where(*where).values(state=state))


def test_what_is_superseded_leaves_no_more_and_what_has_left_stays(warehouse: Engine, mail_server: MailServer) -> None:
    people = {f"{state}@otter.example": state for state in ("ready", "claimed", "held", "sent", "failed", "uncertain")}
    put(warehouse, *people)
    for recipient, state in people.items():
        set_state(warehouse, state, outbox.c.recipient == recipient)
    put(warehouse, ANNA, revision=2)
    assert superseded(warehouse, before=2) == 3
    assert superseded(warehouse, before=2) == 0
    unsent = ("ready", "claimed", "held")
    assert states(send(warehouse, mail_server.port)) == {
        recipient: "superseded" if state in unsent else state for recipient, state in people.items()
    }
    assert states(send(warehouse, mail_server.port, 2)) == {ANNA: "sent"}
    assert mail_server.received == {ANNA: 1}


def test_a_mail_that_is_going_out_has_left_before_its_report_is_superseded(
    warehouse: Engine, mail_server: MailServer
) -> None:
    put(warehouse, ANNA, BEN)
    mail_server.may_answer.clear()
    with ThreadPoolExecutor(2) as pool:
        sending = pool.submit(send, warehouse, mail_server.port)
        assert mail_server.reading.wait(30)
        superseding = pool.submit(superseded, warehouse)
        with warehouse.connect() as connection:
            while not connection.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")):
                assert not superseding.done()
        mail_server.may_answer.set()
        left = sending.result().sent
        assert superseding.result() == 2 - len(left)
    assert [outcome.recipient for outcome in left][:1] == [ANNA]
    assert mail_server.received.total() == len(left)


def test_what_is_sent_anew_closes_what_waited_for_a_person(warehouse: Engine) -> None:
    put(warehouse, ANNA.capitalize(), BEN)
    set_state(warehouse, "failed")
    put(warehouse, ANNA, revision=2)
    assert superseded(warehouse, before=2, recipients=[ANNA]) == 0
    with warehouse.connect() as connection:
        rows = {(row.recipient, row.revision): (row.state, row.waits, row.is_over) for row in list_rows(connection)}
    assert rows == {
        (ANNA.capitalize(), 1): ("failed", False, True),
        (ANNA, 2): ("ready", False, False),
        (BEN, 1): ("failed", True, False),
    }


@pytest.mark.parametrize("state", ["ready", "held"])
def test_a_person_stops_a_mail(warehouse: Engine, mail_server: MailServer, state: str) -> None:
    put(warehouse, ANNA)
    set_state(warehouse, state)
    with warehouse.begin() as connection:
        stop(connection, **KEY, recipient=ANNA, by="mira", why="Wrong numbers", now=NOW)
        with pytest.raises(OutboxConflict, match="cannot become stopped"):
            stop(connection, **KEY, recipient=ANNA, by="mira", why="again", now=NOW)
        [row] = list_rows(connection)
    assert (row.state, row.resolved, row.is_over) == ("stopped", "mira: Wrong numbers", True)
    assert states(send(warehouse, mail_server.port)) == {ANNA: "stopped"}
    assert mail_server.mails == []


@pytest.mark.parametrize("state", ["failed", "bounced", "uncertain"])
def test_a_person_closes_what_nothing_is_left_to_do_about(
    warehouse: Engine, mail_server: MailServer, state: str
) -> None:
    put(warehouse, ANNA)
    with warehouse.begin() as connection, pytest.raises(OutboxConflict, match="waits for nobody"):
        close(connection, **KEY, recipient=ANNA, by="mira", why="told her", now=NOW)
    set_state(warehouse, state)
    assert send(warehouse, mail_server.port).needs_a_person
    with warehouse.begin() as connection:
        close(connection, **KEY, recipient=ANNA, by="mira", why="told her", now=NOW)
        with pytest.raises(OutboxConflict):
            close(connection, **KEY, recipient=ANNA, by="mira", why="again", now=NOW)
        [row] = list_rows(connection)
    assert (row.state, row.closed, row.waits, row.is_over) == (state, "mira: told her", False, True)
    summary = send(warehouse, mail_server.port)
    assert states(summary) == {ANNA: state}
    assert not summary.needs_a_person


def test_a_mail_that_comes_back_after_it_was_closed_waits_again(warehouse: Engine) -> None:
    put(warehouse, ANNA)
    set_state(warehouse, "uncertain")
    with warehouse.begin() as connection:
        close(connection, **KEY, recipient=ANNA, by="mira", why="nobody knows", now=NOW)
        record_bounce(connection, client_id=KEY["client_id"], message_id=f"<{ANNA}>", answer="5.2.2 full", now=NOW)
        [row] = list_rows(connection)
    assert (row.state, row.waits) == ("bounced", True)


def test_what_was_closed_and_then_found_not_to_have_arrived_is_on_its_way_again(warehouse: Engine) -> None:
    put(warehouse, ANNA)
    set_state(warehouse, "uncertain")
    with warehouse.begin() as connection:
        close(connection, **KEY, recipient=ANNA, by="mira", why="nobody knows", now=NOW)
        resolve(connection, **KEY, recipient=ANNA, arrived=False, by="mira", now=NOW)
        [row] = list_rows(connection)
    assert (row.state, row.is_over) == ("ready", False)


def test_when_the_office_closes_the_rest_stays_for_the_next_day(warehouse: Engine, mail_server: MailServer) -> None:
    put(warehouse, ANNA, BEN)
    answers = iter([True, False])
    summary = deliver(warehouse, **KEY, guard=nothing_stops, mailer_factory=mailer_to(mail_server.port),
                      is_open=lambda: next(answers), clock=lambda: NOW)  # fmt: skip
    assert states(summary) == {ANNA: "sent", BEN: "ready"}
    assert [outcome.recipient for outcome in summary.deferred] == [BEN]
    assert mail_server.received == {ANNA: 1}


def test_a_mail_that_came_back_is_no_longer_sent(warehouse: Engine, mail_server: MailServer) -> None:
    put(warehouse, ANNA, BEN)
    mail_server.faults["answer", BEN] = DROP
    send(warehouse, mail_server.port)
    with warehouse.begin() as connection:
        for recipient in (ANNA, BEN):
            came_back = {"client_id": "otter-bakery", "message_id": f"<{recipient}>"}
            record_bounce(connection, **came_back, answer="5.2.2 full", now=NOW)
            record_bounce(connection, **came_back, answer="again", now=NOW)
    summary = send(warehouse, mail_server.port)
    assert states(summary) == {ANNA: "bounced", BEN: "bounced"}
    assert {outcome.answer for outcome in summary.failed} == {"5.2.2 full"}


def test_all_reports_that_are_due_leave_over_one_connection(warehouse: Engine, mail_server: MailServer) -> None:
    put(warehouse, ANNA, BEN)
    put(warehouse, ANNA, revision=2)
    put(warehouse, BEN, revision=3)
    with warehouse.begin() as connection:
        third, of_other = outbox.c.revision == 3, outbox.c.revision == 2
        connection.execute(update(outbox).where(third).values(not_before=NOW + dt.timedelta(minutes=1)))
        connection.execute(update(outbox).where(of_other).values(client_id="shut"))
        connection.execute(update(outbox).where(outbox.c.recipient == BEN, ~third).values(state="transmitting"))

    def drained(now: dt.datetime) -> dict[tuple[str, str, int], dict[str, str]]:
        done = drain(warehouse, is_open=lambda client: client != "shut", guard=nothing_stops,
                     mailer_factory=mailer_to(mail_server.port), clock=lambda: now)  # fmt: skip
        return {report: states(summary) for report, summary in done.items()}

    assert drained(NOW) == {("otter-bakery", "2026-W47", 1): {ANNA: "sent", BEN: "uncertain"}}
    assert drained(NOW) == {}
    assert drained(NOW + dt.timedelta(minutes=1)) == {("otter-bakery", "2026-W47", 3): {BEN: "sent"}}
    with warehouse.connect() as connection:
        assert [row.client_id for row in list_rows(connection, state="ready")] == ["shut"]


def test_a_second_sender_leaves_what_the_first_is_at(warehouse: Engine, mail_server: MailServer) -> None:
    put(warehouse, ANNA)
    mail_server.may_answer.clear()
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(send, warehouse, mail_server.port)
        assert mail_server.reading.wait(30)
        second = send(warehouse, mail_server.port)
        assert states(second) == {ANNA: "transmitting"}
        assert second.deferred == second.outcomes
        mail_server.may_answer.set()
        assert states(first.result()) == {ANNA: "sent"}
    assert mail_server.received == {ANNA: 1}


def test_many_senders_at_once_send_each_mail_once(warehouse: Engine, mail_server: MailServer) -> None:
    recipients = [f"person{n:02}@otter.example" for n in range(15)]
    put(warehouse, *recipients)
    start = threading.Barrier(4)

    def race() -> Summary:
        start.wait()
        return send(warehouse, mail_server.port)

    with ThreadPoolExecutor(4) as pool:
        summaries = [job.result() for job in [pool.submit(race) for _ in range(4)]]
    assert not any(summary.failed or summary.uncertain for summary in summaries)
    assert set(states(send(warehouse, mail_server.port)).values()) == {"sent"}
    assert mail_server.received == dict.fromkeys(recipients, 1)


def test_a_sender_that_lost_its_row_to_another_does_not_send(warehouse: Engine, mail_server: MailServer) -> None:
    """A lock can be lost (the database is restarted); then the number of attempts stops the slower sender."""
    put(warehouse, ANNA)

    class Overtaken(Mailer):
        def send(self, **mail: object) -> object:
            with warehouse.begin() as connection:
                connection.execute(update(outbox).values(attempts=outbox.c.attempts + 1))
            return super().send(**mail)

    settings = SmtpSettings("127.0.0.1", mail_server.port, security="none")
    with pytest.raises(OutboxConflict, match=f"to {ANNA} cannot become transmitting"):
        deliver(warehouse, **KEY, guard=nothing_stops, mailer_factory=lambda: Overtaken(settings),
                is_open=lambda: True, clock=lambda: NOW)  # fmt: skip
    assert mail_server.mails == []


def test_a_database_that_fails_while_the_server_answers_leaves_the_mail_uncertain(
    warehouse: Engine, mail_server: MailServer
) -> None:
    put(warehouse, ANNA)
    mail_server.may_answer.clear()
    with ThreadPoolExecutor(1) as pool:
        job = pool.submit(send, warehouse, mail_server.port)
        assert mail_server.reading.wait(30)
        with warehouse.begin() as connection:
            ours = "SELECT oid FROM pg_database WHERE datname = current_database()"
            holders = f"SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND database = ({ours})"
            connection.execute(text(f"SELECT pg_terminate_backend(pid) FROM ({holders}) AS holder"))
        mail_server.may_answer.set()
        with pytest.raises(Exception, match="terminat") as failure:
            job.result()
    assert failure.value.__notes__ == [f"The mail to {ANNA} was answered, which could not be stored: 250 taken"]
    assert states(send(warehouse, mail_server.port)) == {ANNA: "uncertain"}
    assert mail_server.received == {ANNA: 1}


def test_kill_9_at_every_step_loses_nothing_and_doubles_nothing(warehouse: Engine, mail_server: MailServer) -> None:
    """Kill the sender at step 1, 2, 3, ... until it gets through; each time another one takes over."""
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["psycopg", "sqlalchemy.dialects.postgresql.psycopg", "widerview.delivery.outbox"])
    url = warehouse.url.render_as_string(hide_password=False)
    ends: Counter[str] = Counter()
    for step in itertools.count(1):
        put(warehouse, ANNA, BEN, revision=step)
        mail_server.mails.clear()
        sender = processes.Process(target=send_and_die, args=(url, mail_server.port, "2026-W47", step, step))
        sender.start()
        sender.join()
        taken_over = _deliver_when_free(warehouse, mail_server, step)
        for outcome in taken_over.outcomes:
            got = mail_server.received[outcome.recipient]
            assert (outcome.state, got) in {("sent", 1), ("uncertain", 0), ("uncertain", 1)}, f"killed at step {step}"
            ends[outcome.state] += 1
        assert len(taken_over.uncertain) <= 1
        if sender.exitcode == 0:
            assert taken_over.sent == taken_over.outcomes
            break
        assert sender.exitcode == -9
    assert step > 35, "the sender's way has more steps than that"
    assert 2 < ends["uncertain"] < step / 3


def _deliver_when_free(engine: Engine, server: MailServer, revision: int) -> Summary:
    """Deliver until PostgreSQL has noticed that the killed sender is gone and has taken its lock back."""
    deadline = time.monotonic() + 30
    while (summary := send(engine, server.port, revision)).deferred:
        assert time.monotonic() < deadline, f"still locked: {summary}"
    return summary
