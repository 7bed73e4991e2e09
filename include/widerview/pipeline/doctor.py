"""`widerview doctor`: is everything there that the pipeline will need? Asks no platform and sends nothing."""

import datetime as dt
import smtplib
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial

from sqlalchemy.exc import SQLAlchemyError

from widerview.agency.load import Agency, NoFolder, load_agency
from widerview.agency.theme import broken_themes
from widerview.clock import utc_now
from widerview.delivery.bounces import Imap
from widerview.delivery.smtp import Mailer
from widerview.pipeline import connections, ingest, tokens
from widerview.report.pdf import check_pdf
from widerview.settings import (
    AIRFLOW_CONNECTION,
    BOUNCES_CONNECTION,
    DKIM_CONNECTION,
    UNSUBSCRIBE_CONNECTION,
    load_settings,
)
from widerview.sources.base import Source, Target
from widerview.sources.registry import SOURCES
from widerview.warehouse.migrate import current, head


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: what, whether it is in order, and what was found or how to mend it."""

    what: str
    fine: bool
    detail: str


def examine() -> Iterator[Finding]:
    """Look at everything in turn; a finding that is not fine does not stop the others."""
    agency = Agency({}, [])
    try:
        agency = load_agency(load_settings().clients)
    except NoFolder as error:
        yield Finding("client files", False, str(error))
    else:
        yield _clients(agency)
        yield _themes(agency)
        yield _told(agency)
        yield _glossary(agency)
        if any(client.report.pdf for client in agency.clients.values()):
            yield _try("PDF", check_pdf)
    yield _try("warehouse", _warehouse)
    yield _try("landing", _landing)
    yield _try("mail server", _mail_server)
    yield _try("signatures", partial(_signatures, agency))
    yield _try("unsubscribing", _unsubscribing)
    yield _try("bounces", _bounces)
    yield from _versions(utc_now().date())
    for source in SOURCES.values():
        for target in ingest.targets_of(agency.clients.values(), source.name):
            yield _try(f"{source.title}: {target.label}", partial(_reads, source, target))
    yield from _tokens(agency)


def _reads(source: Source, target: Target) -> str:
    if not source.expected_calls(posts=0, days=1):
        return f"reads {', '.join(target.options.values())}, and asks no server"
    door = connections.access(target)
    return f"asks {door.base_url or source.base_url(target)}" + (" with a token" if door.token else " without a token")


def _versions(today: dt.date) -> Iterator[Finding]:
    """Whether each source speaks a version that its platform still knows."""
    for source in SOURCES.values():
        if source.sunset is not None:
            ends = "ended" if source.sunset <= today else "ends"
            detail = f"{source.api_version} {ends} on {source.sunset}"
            fine = source.sunset > today
            yield Finding(f"{source.title} API", fine, detail if fine else f"{detail}. Install a newer Widerview.")


def _tokens(agency: Agency) -> Iterator[Finding]:
    """Which tokens need a person, because they are dead, die within 14 days, or nobody can tell when."""
    now = utc_now()
    renews = connections.exists(AIRFLOW_CONNECTION)
    for source in SOURCES.values():
        targets = ingest.targets_of(agency.clients.values(), source.name)
        for token in tokens.tokens(targets, connections.access):
            for told in tokens.needs_a_person(source, token, now, renews=renews):
                yield Finding(f"{source.title} token", False, told)


def _clients(agency: Agency) -> Finding:
    if agency.broken:
        return Finding("client files", False, "\n".join(map(str, agency.broken)))
    found = f"{len(agency.clients)} in {load_settings().clients}"
    if not agency.clients:
        found += "; begin with a copy of examples/client.yaml"
    return Finding("client files", bool(agency.clients), found)


def _themes(agency: Agency) -> Finding:
    broken = broken_themes(load_settings().clients, agency)
    if broken:
        return Finding("themes", False, "\n".join({each.path: str(each) for each in broken.values()}.values()))
    named = len({client.theme for client in agency.clients.values()} - {None})
    return Finding("themes", True, f"{named} named by the clients' files")


def _told(agency: Agency) -> Finding:
    """Whether of every client somebody is told of a report that was not sent because nobody has answered."""
    untold = [name for name, client in agency.clients.items() if not (client.reminded or client.sender.owner)]
    if untold:
        detail = f"nobody is told of a report that was not sent: {', '.join(untold)}. Set report.remind or sender.owner"
        return Finding("unanswered reviews", False, detail)
    return Finding("unanswered reviews", True, "somebody is told of each")


def _warehouse() -> str:
    engine = connections.warehouse()
    found, wanted = current(engine), head()
    if found != wanted:
        raise LookupError(f"its tables are at {found or 'nothing'}, not at {wanted}. Run `widerview migrate`.")
    return f"{engine.url.render_as_string(hide_password=True)}, tables at {found}"


def _landing() -> str:
    store = connections.landing()
    store.write_document("doctor.txt", b"widerview doctor can write here\n")
    store.read_document("doctor.txt")
    return f"{load_settings().landing} can be written and read"


def _mail_server() -> str:
    settings = connections.smtp()
    with Mailer(settings) as mailer:
        mailer.greet()
    return f"{settings.host}:{settings.port} answers ({settings.security})"


def _glossary(agency: Agency) -> Finding:
    """Whether the cards of all reports have a page to link to."""
    without = sorted(client.locale for client in agency.clients.values() if client.sender.glossary_url is None)
    if not without:
        return Finding("glossary", True, "the cards of all reports link to it")
    pages = " and ".join(
        f"`widerview glossary --locale {each} --out glossary-{each}.html`" for each in sorted({*without})
    )
    return Finding(
        "glossary",
        True,
        f"the cards of {len(without)} client(s) link to none: {pages} writes it; publish it, and write its address "
        "into the client files as `sender.glossary_url`",
    )


def _signatures(agency: Agency) -> str:
    key = connections.dkim()
    if key is None:
        return f"mails go to the mail server unsigned; with a connection {DKIM_CONNECTION} they carry a DKIM signature"
    senders = {client.sender.email for client in agency.clients.values()}
    unsigned = sorted(sender for sender in senders if not key.covers(sender))
    rest = f"; not signed, as they are elsewhere: {', '.join(unsigned)}" if unsigned else ""
    return f"DKIM key {key.selector} of {key.domain}{rest}"


def _unsubscribing() -> str:
    door = connections.unsubscribe_door()
    return door.url if door else f"by mail only; with a connection {UNSUBSCRIBE_CONNECTION} with one click"


def _bounces() -> str:
    box = connections.bounces()
    if box is None:
        return f"nobody reads what comes back; with a connection {BOUNCES_CONNECTION} the DAG bounces does"
    with box if isinstance(box, Imap) else nullcontext():
        return "the mailbox opens"


def _try(what: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(what, True, look())
    except (LookupError, OSError, ValueError, SQLAlchemyError, smtplib.SMTPException) as error:
        return Finding(what, False, str(error).partition("\n")[0])
    except Exception as error:
        return Finding(what, False, f"{type(error).__name__}: {error}".partition("\n")[0])
