"""The one thing that is asked of the client: what only they can give, and until when."""

import datetime as dt
from collections.abc import Iterator, Sequence
from itertools import chain

from widerview.agency.models import AssetKind, Client
from widerview.agency.office_hours import is_open_day
from widerview.measures.weeks import Week
from widerview.report.facts import Ask, CampaignFact, Conversation

SOON = dt.timedelta(days=21)
"""A campaign that starts within so many days needs pictures now."""

_DAY = dt.timedelta(days=1)
_AHEAD = 3 * _DAY
"""So long before a campaign starts its pictures are needed."""

_NOTICE = 2 * _DAY
"""Nobody is asked for anything sooner than so long after the report is sent."""


def ask_of(
    client: Client,
    week: Week,
    sent: dt.date,
    campaigns: Sequence[CampaignFact],
    conversation: Conversation,
) -> Ask | None:
    """Choose what is asked of the client, with a date; None if there is nothing.

    First the head count of an event of the week, which is soon forgotten; then answers to people who wrote under the
    week's posts and still wait; then pictures for the campaign that starts next.

    Args:
        client: The client.
        week: The week of the report.
        sent: The day on which the report is sent.
        campaigns: The campaigns of the week, with what was counted of their assets.
        conversation: How people who wrote were answered.
    """
    asks = chain(
        _head_counts(client, week, sent, campaigns), _answers(client, sent, conversation), _pictures(client, sent)
    )
    return next(asks, None)


def _head_counts(client: Client, week: Week, sent: dt.date, campaigns: Sequence[CampaignFact]) -> Iterator[Ask]:
    untold = {
        (campaign.key, row.of)
        for campaign in campaigns
        for row in campaign.rows
        if row.metric == "attendance" and row.week is None and row.so_far is None
    }
    for campaign in client.campaigns:
        for asset in campaign.assets:
            is_event = asset.kind is AssetKind.EVENT and (campaign.key, asset.name) in untold
            if is_event and asset.starts and asset.starts in week.days:
                yield Ask(what="head count", by=_working_day(client, sent), name=asset.name, day=asset.starts)


def _answers(client: Client, sent: dt.date, conversation: Conversation) -> Iterator[Ask]:
    answers = conversation.answers
    # Where a platform does not tell all replies, nobody knows who still waits.
    if answers and not conversation.written_at_least and answers.answered < answers.received:
        yield Ask(what="answers", by=_working_day(client, sent), waiting=answers.received - answers.answered)


def _pictures(client: Client, sent: dt.date) -> Iterator[Ask]:
    for campaign in sorted(client.campaigns, key=lambda each: each.starts):
        by = campaign.starts - _AHEAD
        if client.accounts and sent + _NOTICE <= by and campaign.starts <= sent + SOON:
            yield Ask(what="pictures", by=by, name=campaign.name, day=campaign.starts)


def _working_day(client: Client, sent: dt.date) -> dt.date:
    """The first day of the client's office that leaves time to do it; the first day at all if none is near."""
    first = sent + _NOTICE
    days = [first + count * _DAY for count in range(14)]
    return next((day for day in days if is_open_day(client, day)), first)
