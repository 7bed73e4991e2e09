"""Who the clients are: one YAML file a client, as pydantic models.

The file says everything that is the client's own: accounts, website, campaigns, recipients, office hours. It
holds no secret; a `connection` names the Airflow Connection that does.
"""

import datetime as dt
import re
from collections import Counter
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, available_timezones

from babel import Locale, UnknownLocaleError
from babel.numbers import list_currencies
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS: tuple[Weekday, ...] = (
    "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday",
)  # fmt: skip


def _known_time_zone(value: str) -> str:
    if value not in available_timezones():
        raise ValueError(f"{value!r} is not an IANA time zone; write it like Europe/Berlin")
    return value


def _known_locale(value: str) -> str:
    try:
        Locale.parse(value)
    except (UnknownLocaleError, ValueError) as error:
        raise ValueError(f"{value!r} is not a known locale; write it like en_GB or de_DE") from error
    return value


def _known_currency(value: str) -> str:
    if value not in list_currencies():
        raise ValueError(f"{value!r} is not an ISO 4217 currency; write it like EUR")
    return value


_EMAIL = re.compile(r"[^@\s<>,;:\"]+@[^@\s<>,;:\"]+\.[^@\s<>,;:\".]+")


def _email(value: str) -> str:
    if not _EMAIL.fullmatch(value):
        raise ValueError(f"{value!r} is not one email address; write it like mira@agency.example")
    return value


Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
Line = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\r\n\x00]+$")]
TimeZone = Annotated[str, AfterValidator(_known_time_zone)]
Email = Annotated[str, AfterValidator(_email)]
ConnectionId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]+$")]


class Model(BaseModel):
    """Base of all models here: unknown keys are mistakes, values do not change after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Hours(Model):
    """One stretch of a day on the client's wall clock; `24:00` is the end of the day."""

    opens: Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
    closes: Annotated[str, Field(pattern=r"^(([01]\d|2[0-3]):[0-5]\d|24:00)$")]

    @model_validator(mode="after")
    def _in_order(self) -> "Hours":
        if self.opens >= self.closes:
            raise ValueError(f"closes ({self.closes}) must come after opens ({self.opens})")
        return self


class Holidays(Model):
    """Public holidays of a country (ISO 3166 code), of a region of it, and days of the client's own."""

    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] | None = None
    subdivision: str | None = None
    also: tuple[dt.date, ...] = ()

    @model_validator(mode="after")
    def _known_calendar(self) -> "Holidays":
        from holidays import country_holidays  # noqa: PLC0415 - a large library, needed only here

        if self.subdivision and not self.country:
            raise ValueError("subdivision needs a country")
        if self.country:
            try:
                country_holidays(self.country, subdiv=self.subdivision)
            except NotImplementedError as error:
                raise ValueError(f"no holiday calendar for it: {error}") from error
        return self


class Recipient(Model):
    """A person who gets the report."""

    name: Line
    email: Email


class Sender(Model):
    """The person at the agency whose name the report carries, and who gets the answers."""

    name: Line
    email: Email
    reply_to: Email | None = None
    agency: Line
    postal_address: Line


class ReportPlan(Model):
    """When the weekly report (Monday to Sunday) is made and how long a reviewer may take.

    Tuesday by default: analytics and platforms still revise Sunday's numbers on Monday.
    """

    weekday: Weekday = "tuesday"
    time: Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")] = "09:00"
    answer_within_hours: Annotated[int, Field(ge=1, le=24 * 6)] = 24

    @property
    def cron(self) -> str:
        """The cron expression of this plan, in the client's time zone."""
        hour, minute = self.time.split(":")
        return f"{int(minute)} {int(hour)} * * {(WEEKDAYS.index(self.weekday) + 1) % 7}"


class Account(Model):
    """A profile on a social platform.

    `handle` is what people type to find it: `name.example` on Bluesky, `@name@server.example` on Mastodon.
    """

    platform: Literal["bluesky", "mastodon"]
    handle: Line
    connection: ConnectionId | None = Field(
        default=None, description="Airflow Connection with the account's token or another server; optional"
    )

    @model_validator(mode="after")
    def _handle_fits_platform(self) -> "Account":
        shape = {
            "bluesky": (r"([a-z0-9-]+\.)+[a-z0-9-]+|did:[a-z]+:[A-Za-z0-9._:%-]+", "name.bsky.social"),
            "mastodon": (r"@[A-Za-z0-9_.-]+@([a-z0-9-]+\.)+[a-z0-9-]+", "@name@server.example"),
        }
        pattern, example = shape[self.platform]
        if not re.fullmatch(pattern, self.handle):
            raise ValueError(f"{self.handle!r} is not a {self.platform} handle; write it like {example}")
        return self


class WebProperty(Model):
    """A website and the analytics that measures it; its days are days of `time_zone`."""

    platform: Literal["matomo"]
    site_id: Annotated[int, Field(ge=1)]
    url: Annotated[str, Field(pattern=r"^https?://\S+$")]
    connection: ConnectionId = Field(description="Airflow Connection with the analytics server and its token")
    time_zone: TimeZone | None = Field(
        default=None, description="The zone set in the analytics; the client's if left out"
    )


class AssetKind(StrEnum):
    """What a touchpoint outside the platforms is."""

    POSTER = "poster"
    FLYER = "flyer"
    QR_CODE = "qr_code"
    VANITY_URL = "vanity_url"
    PROMO_CODE = "promo_code"
    EVENT = "event"
    LANDING_PAGE = "landing_page"
    NEWSLETTER = "newsletter"
    PRESS = "press"


class Asset(Model):
    """One touchpoint of a campaign: a poster, a QR code, an event, a newsletter.

    `utm_source` is the source tag its visits carry, so that the web analytics can tell them apart.
    """

    kind: AssetKind
    name: Line
    placement: Line | None = None
    utm_source: Slug | None = None
    starts: dt.date | None = None
    ends: dt.date | None = None
    cost: Annotated[float, Field(ge=0)] | None = None


class Campaign(Model):
    """Something the client is doing across channels; `key` is its utm_campaign and its key in the warehouse."""

    key: Slug
    name: Line
    goal: Line
    starts: dt.date
    ends: dt.date
    hashtags: tuple[Annotated[str, Field(pattern=r"^#\w+$")], ...] = ()
    assets: tuple[Asset, ...] = ()

    @model_validator(mode="after")
    def _in_order(self) -> "Campaign":
        if self.ends < self.starts:
            raise ValueError(f"ends ({self.ends}) is before starts ({self.starts})")
        return self

    def runs_in(self, first: dt.date, last: dt.date) -> bool:
        """Whether any day of the campaign lies within first..last, both included."""
        return self.starts <= last and first <= self.ends


class Client(Model):
    """A client of the agency: one YAML file.

    `office_hours` maps weekdays to opening hours on the client's wall clock; a weekday left out is closed.
    Nothing is sent outside them, nor on a holiday.
    """

    client: Slug = Field(description="Short id; the file's name without .yaml")
    name: Line
    time_zone: TimeZone
    locale: Annotated[str, AfterValidator(_known_locale)] = "en_GB"
    currency: Annotated[str, AfterValidator(_known_currency)] = "EUR"
    office_hours: dict[Weekday, Hours] = Field(min_length=1)
    holidays: Holidays = Holidays()
    report: ReportPlan = ReportPlan()
    reviewers: tuple[Line, ...] = Field(min_length=1, description="Airflow user names; any one may approve")
    sender: Sender
    recipients: tuple[Recipient, ...] = Field(min_length=1)
    accounts: tuple[Account, ...] = ()
    web: tuple[WebProperty, ...] = ()
    campaigns: tuple[Campaign, ...] = ()

    @cached_property
    def zone(self) -> ZoneInfo:
        """The client's time zone."""
        return ZoneInfo(self.time_zone)

    @model_validator(mode="after")
    def _no_doubles(self) -> "Client":
        named: dict[str, list[str]] = {
            "account": [f"{a.platform} {a.handle.lower()}" for a in self.accounts],
            "web property": [f"{w.platform} {w.connection} {w.site_id}" for w in self.web],
            "recipient": [r.email.lower() for r in self.recipients],
            "campaign key": [c.key for c in self.campaigns],
        }
        for what, names in named.items():
            for name, count in Counter(names).items():
                if count > 1:
                    raise ValueError(f"the same {what} stands here twice: {name}")
        if not self.accounts and not self.web:
            raise ValueError("a client needs at least one account or one web property to report on")
        return self
