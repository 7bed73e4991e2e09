"""A fictional client, and a fictional report to it."""

import datetime as dt

from widerview.agency.models import Client
from widerview.delivery.message import InlineImage, Mail, build

NOW = dt.datetime(2026, 11, 24, 9, 0, tzinfo=dt.UTC)


def client(**changes: object) -> Client:
    """A fictional client, open Monday to Friday from 08:00 to 17:00."""
    weekdays = ("monday", "tuesday", "wednesday", "thursday", "friday")
    return Client.model_validate(
        {
            "client": "otter-bakery",
            "name": "Otter Bakery",
            "time_zone": "Europe/Berlin",
            "office_hours": {day: {"opens": "08:00", "closes": "17:00"} for day in weekdays},
            "reviewers": ["mira"],
            "sender": {
                "name": "Mira Holt",
                "email": "mira@agency.example",
                "agency": "Harbour & Co",
                "postal_address": "1 Quay Street, Port Example",
            },
            "recipients": [{"name": "Anna Otter", "email": "anna@otter.example"}],
            "accounts": [{"platform": "bluesky", "handle": "otter.example"}],
        }
        | changes
    )


PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360000002000001"
    "e221bc330000000049454e44ae426082"
)
HTML = '<!doctype html><html lang="en"><head><title>Week 47</title></head><body><h1>A normal week</h1>' \
    '<img src="cid:chart" alt="412 visits"></body></html>'  # fmt: skip


def report(**changes: object) -> dict[str, object]:
    """What `build` needs for a fictional report."""
    return {
        "subject": "A normal week: Otter Bakery, week 47",
        "html": HTML,
        "text": "A normal week\n\n412 visits.\n",
        "pictures": [InlineImage("chart", PIXEL)],
        "sender_name": "Mira Holt",
        "sender_email": "mira@agency.example",
        "reply_to": "team@agency.example",
        "agency": "Harbour & Co",
        "recipient_name": "Anna Otter",
        "recipient_email": "anna@otter.example",
        "client_id": "otter-bakery",
        "period": "2026-W47",
        "revision": 1,
        "date": NOW,
    } | changes


def mails(*recipients: str, period: str = "2026-W47", revision: int = 1) -> list[Mail]:
    """The mails of a fictional report to these recipients."""
    found = []
    for recipient in recipients:
        message = build(**report(recipient_email=recipient, period=period, revision=revision))
        found.append(Mail(recipient, f"<{recipient}>", message))
    return found
