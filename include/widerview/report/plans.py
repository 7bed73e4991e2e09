"""When a report reaches its client, and what the client's file has planned from that day on."""

import datetime as dt

from widerview.agency.models import WEEKDAYS, Client
from widerview.measures.weeks import Week
from widerview.report.facts import Plan

_DAY = dt.timedelta(days=1)


def due_on(client: Client, week: Week) -> dt.date:
    """The day on which the report on a week is to be sent."""
    return week.shift(1).monday + WEEKDAYS.index(client.report.weekday) * _DAY


def sent_on(client: Client, week: Week, as_of: dt.datetime) -> dt.date:
    """The day on which a report made at a moment (UTC) is sent, if it is approved in time."""
    return max(due_on(client, week), as_of.astimezone(client.zone).date())


def planned(client: Client, sent: dt.date) -> tuple[Plan, ...]:
    """What the client's file has from the day of a report to the day before the next one, in the order of its days."""
    next_report = client.report.next_after(dt.datetime.combine(sent + _DAY, dt.time(), client.zone), client.zone)
    last = next_report.date() - _DAY
    plans: list[tuple[dt.date, Plan]] = []

    def add(day: dt.date, plan: Plan) -> None:
        if sent <= day <= last:
            plans.append((day, plan))

    for campaign in client.campaigns:
        add(campaign.starts, Plan(what="starts", name=campaign.name, day=campaign.starts))
        add(campaign.ends, Plan(what="ends", name=campaign.name, day=campaign.ends))
        if campaign.starts < sent and campaign.ends > last:
            add(last, Plan(what="goes on", name=campaign.name, day=campaign.ends))
        for asset in campaign.assets:
            if asset.starts:
                add(asset.starts, Plan(what="asset", name=asset.name, day=asset.starts))
    return tuple(plan for _, plan in sorted(plans, key=lambda each: (each[0], each[1].name)))
