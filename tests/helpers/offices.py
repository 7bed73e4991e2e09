"""Offices anywhere, drawn by Hypothesis, and whether they are open by a reckoning of the tests' own."""

import datetime as dt
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from otter_bakery import client
from widerview.agency.models import WEEKDAYS, Client

ZONES = (
    "America/St_Johns", "Asia/Kathmandu", "Australia/Lord_Howe", "Europe/Berlin", "America/New_York",
    "Pacific/Auckland", "Pacific/Chatham",
)  # fmt: skip


def wall(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


@st.composite
def offices(draw: st.DrawFn, day: dt.date) -> dict[str, object]:
    days = draw(st.sets(st.sampled_from(WEEKDAYS), min_size=3))
    spans = st.lists(st.integers(0, 24 * 60), min_size=2, max_size=2, unique=True).map(sorted)
    holidays = draw(st.sets(st.integers(-2, 5).map(lambda n: day + dt.timedelta(days=n)), max_size=3))
    return {
        "hours": {each: dict(zip(("opens", "closes"), map(wall, draw(spans)), strict=True)) for each in days},
        "holidays": {"also": sorted(holidays)},
    }


@st.composite
def two_offices(draw: st.DrawFn) -> tuple[Client, dt.datetime]:
    """A client and an agency, each somewhere, and a moment near one of two changes of the clock."""
    change = draw(
        st.sampled_from((dt.datetime(2026, 3, 29, 1), dt.datetime(2026, 10, 25, 1), dt.datetime(2026, 4, 4, 15)))
    )
    at = change.replace(tzinfo=dt.UTC) + dt.timedelta(minutes=draw(st.integers(-3 * 1440, 3 * 1440)))
    own, agency = draw(offices(at.date())), draw(offices(at.date()))
    someone = client()
    sender = someone.sender.model_dump() | {"office": agency | {"time_zone": draw(st.sampled_from(ZONES))}}
    changes = {"office_hours": own["hours"], "holidays": own["holidays"], "sender": sender}
    return client(time_zone=draw(st.sampled_from(ZONES)), **changes), at


def is_open_by_hand(office: object, zone: str, at: dt.datetime) -> bool:
    local = at.astimezone(ZoneInfo(zone))
    hours = getattr(office, "office_hours", None) or office.hours  # type: ignore[attr-defined]
    today = hours.get(WEEKDAYS[local.weekday()])
    is_holiday = local.date() in office.holidays.also  # type: ignore[attr-defined]
    return today is not None and not is_holiday and today.opens <= f"{local:%H:%M}" < today.closes


def both_open_by_hand(someone: Client, at: dt.datetime) -> bool:
    """Whether the client's office and the agency's are open."""
    agency = someone.sender.office
    assert agency is not None
    return is_open_by_hand(someone, someone.time_zone, at) and is_open_by_hand(agency, agency.time_zone, at)
