"""Reports that have left the house."""

import datetime as dt

from house import House
from mail_server import MailServer
from widerview.delivery.safety import Guard
from widerview.delivery.smtp import SmtpSettings
from widerview.measures.weeks import Week
from widerview.pipeline import weekly
from widerview.report.facts import Facts


def send_report(
    house: House,
    client_id: str,
    week: Week,
    as_of: dt.datetime,
    *,
    smtp: SmtpSettings | None = None,
    stamp: weekly.Stamp = weekly.Stamp(),  # noqa: B008 - it cannot change
) -> Facts:
    """Compose, keep, approve and send a client's report; give its facts. Without `smtp` to a server of its own."""
    if smtp is None:
        with MailServer() as server:
            own = SmtpSettings(host="127.0.0.1", port=server.port, security="none")
            return send_report(house, client_id, week, as_of, smtp=own, stamp=stamp)
    client = house.agency.clients[client_id]
    facts = weekly.with_theme(weekly.compose_facts(house.engine, client, week, as_of), house.root / "clients", client)
    facts = weekly.save(house.engine, facts)
    decision = weekly.Decision(option="Approve", by="mira", at=as_of, note="Well done.")
    report = house.engine, client, facts.period, facts.revision
    weekly.record(*report, decision)
    weekly.send(*report, smtp, lambda: as_of, guard=Guard(house.agency.clients), stamp=stamp)
    return facts
