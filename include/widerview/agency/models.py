"""Who the clients are: one YAML file a client, as pydantic models.

The file says everything that is the client's own: accounts, website, campaigns, recipients, office hours. It
holds no secret; a `connection` names the Airflow Connection that does.

The descriptions and examples here are also what editors show, what `docs/agency.md` explains and what a mistake
in a file is answered with.
"""

import datetime as dt
import re
from collections import Counter
from enum import StrEnum
from functools import cache, cached_property
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias
from zoneinfo import ZoneInfo, available_timezones

from babel import Locale, UnknownLocaleError
from babel.numbers import list_currencies
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    WithJsonSchema,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from widerview.sources import base as sources_base
from widerview.sources.base import Kind, Source
from widerview.sources.registry import SOURCES

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS: tuple[Weekday, ...] = (
    "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday",
)  # fmt: skip
Cadence = Literal["weekly", "fortnightly", "monthly"]
_DAYS_OF_WEEK = 7
_FORTNIGHTS_FROM = dt.date(2024, 1, 1)
_LONGEST_QUOTE = 60


def quoted(value: str) -> str:
    """Quote a value of a file for a message: control characters escaped, long ones cut."""
    return repr(value if len(value) <= _LONGEST_QUOTE else value[:_LONGEST_QUOTE] + "…")


def mistake(what: str, fix: str, *at: str | int) -> PydanticCustomError:
    """A mistake in a client file, to be raised by a validator.

    Args:
        what: What is wrong, naming the value.
        fix: What to write instead.
        at: Keys and positions that lead from the validated value to the wrong one, if it lies deeper.
    """
    return PydanticCustomError("mistake", "{what}; {fix}", {"what": what, "fix": fix, "at": at})


def check_written(value: str, shape: sources_base.Written, *at: str | int) -> str:
    """Hold a value against the shape in which it has to be written; `at` as for `mistake`."""
    if not re.fullmatch(shape.pattern, value):
        raise mistake(f"{quoted(value)} is not {shape.what}", f"write it like {shape.example}", *at)
    return value


class Written(sources_base.Written):
    """Annotates a string that is written in one shape only; `pattern` must match all of it."""

    __slots__ = ()

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(lambda value: check_written(value, self), handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"examples": [self.example], **handler(schema), "pattern": f"^(?:{self.pattern})$"}


@cache
def _time_zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _known_time_zone(value: str) -> str:
    if value not in _time_zones():
        raise mistake(f"{quoted(value)} is not an IANA time zone", "write it like Europe/Berlin")
    return value


def _known_locale(value: str) -> str:
    try:
        Locale.parse(value)
    except (UnknownLocaleError, ValueError) as error:
        raise mistake(f"{quoted(value)} is not a known locale", "write it like en_GB or de_DE") from error
    return value


def _known_currency(value: str) -> str:
    if value not in list_currencies():
        raise mistake(f"{quoted(value)} is not an ISO 4217 currency", "write it like EUR")
    return value


# Line breaks of any kind would let a name write mail headers of its own; other control characters, terminals.
_CONTROLS = r"\x00-\x1f\x7f-\x9f\u2028\u2029"

Slug = Annotated[
    str, Written("a short id of a-z, 0-9 and hyphens, 63 at most", r"[a-z0-9][a-z0-9-]{0,62}", "harbour-bakery")
]
UtmName = Annotated[
    str,
    Written("a UTM name of a-z, 0-9, hyphens, dots and underscores", r"[a-z0-9][a-z0-9_.-]{0,99}", "winter-bread"),
]
Line = Annotated[
    str,
    Field(min_length=1, max_length=200),
    Written("one line of plain text", rf"[^{_CONTROLS}]*[^\s{_CONTROLS}][^{_CONTROLS}]*", "Harbour Bakery"),
]
TimeOfDay = Annotated[str, Written("a time of day", r"([01][0-9]|2[0-3]):[0-5][0-9]", "09:00")]
ClosingTime = Annotated[str, Written("a time of day", r"([01][0-9]|2[0-3]):[0-5][0-9]|24:00", "17:30")]
TimeZone = Annotated[str, AfterValidator(_known_time_zone), Field(examples=["Europe/Berlin"])]
Email = Annotated[
    str,
    Written(
        "one email address in plain ASCII",
        r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z0-9-]{2,63}",
        "mira@agency.example",
    ),
]
WebAddress = Annotated[
    str, Written("a web address", rf"https?://[^\s{_CONTROLS}<>]+", "https://www.harbour-bakery.example")
]
ConnectionId = Annotated[str, Written("the id of an Airflow Connection", r"[A-Za-z0-9_.-]{1,250}", "matomo_agency")]
# A letter of any script is one; ASCII punctuation ends a hashtag on every platform.
Hashtag = Annotated[str, Written("a hashtag", rf"#[^\s!-/:-@\[-^`{{-~{_CONTROLS}]+", '"#WinterBread"')]


class Model(BaseModel):
    """Base of all models here: unknown keys are mistakes, values do not change after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Hours(Model):
    """One stretch of a day on the client's wall clock; `24:00` is the end of the day."""

    opens: TimeOfDay = Field(description="First minute in which the client may be written to")
    closes: ClosingTime = Field(description="From this minute on nothing is sent; `24:00` is the end of the day")

    @model_validator(mode="after")
    def _in_order(self) -> "Hours":
        if self.opens >= self.closes:
            raise mistake(
                f"closes ({self.closes}) must come after opens ({self.opens})",
                "write the day's hours in order; hours past midnight belong to the next day",
                "closes",
            )
        return self


class Holidays(Model):
    """Public holidays of a country (ISO 3166 code), of a region of it, and days of the client's own."""

    country: Annotated[str, Written("a country's two-letter ISO 3166 code", r"[A-Z]{2}", "DE")] | None = Field(
        default=None, description="Country whose public holidays are free"
    )
    subdivision: str | None = Field(
        default=None, description="Region of that country (ISO 3166-2, without the country)", examples=["BE"]
    )
    also: tuple[dt.date, ...] = Field(default=(), description="Days of the client's own on which nothing is sent")

    @model_validator(mode="after")
    def _known_calendar(self) -> "Holidays":
        from holidays import country_holidays, list_supported_countries  # noqa: PLC0415 - large, needed only here

        if self.subdivision and not self.country:
            raise mistake("subdivision needs a country", "add a line like country: DE", "subdivision")
        if self.country:
            try:
                country_holidays(self.country, subdiv=self.subdivision)
            except NotImplementedError as error:
                regions = list_supported_countries().get(self.country)
                if regions is None:
                    raise mistake(
                        f"there is no holiday calendar for the country {self.country}",
                        "write an ISO 3166 code like DE, or list the days under also",
                        "country",
                    ) from error
                raise mistake(
                    f"{quoted(self.subdivision or '')} is not a region of {self.country} in the holiday calendar",
                    f"write one of {', '.join(regions)}" if regions else "remove the line",
                    "subdivision",
                ) from error
        return self


class Recipient(Model):
    """A person who gets the report."""

    name: Line = Field(description="Their name", examples=["Ada Example"])
    email: Email = Field(description="Their address", examples=["ada@harbour-bakery.example"])


class Office(Model):
    """The agency's own office, where it keeps other hours than the client."""

    time_zone: TimeZone = Field(description="IANA time zone of the agency's clock")
    hours: dict[Weekday, Hours] = Field(
        min_length=1, description="The agency's hours by weekday; a weekday left out is closed"
    )
    holidays: Holidays = Field(default=Holidays(), description="Days on which nobody is there")


class Sender(Model):
    """The person at the agency whose name the report carries, and who gets the answers."""

    name: Line = Field(description="Their name", examples=["Mira Example"])
    email: Email = Field(description="Address the report comes from")
    reply_to: Email | None = Field(default=None, description="Address answers go to; `email` if left out")
    agency: Line = Field(description="The agency's name", examples=["Wide Angle"])
    postal_address: Line = Field(
        description="The agency's postal address, which law asks for in many countries",
        examples=["1 Sample Street, 10115 Berlin"],
    )
    glossary_url: WebAddress | None = Field(
        default=None,
        description="Where the page of `widerview glossary` is published; the reports' cards link to it",
        examples=["https://agency.example/glossary.html"],
    )
    owner: Email | None = Field(
        default=None, description="The agency's owner, who is told when a report is not sent because nobody answered"
    )
    office: Office | None = Field(
        default=None, description="The agency's own hours: mails leave where both are open. The client's if left out"
    )


class ReportPlan(Model):
    """When the report on the last complete week (Monday to Sunday) is sent, and who sees it before.

    Wednesday by default: it is composed and reviewed from Tuesday on, since analytics and platforms still revise
    Sunday's numbers on Monday.
    """

    cadence: Cadence = Field(
        default="weekly",
        description="How often. Every report is on one week: `fortnightly` sends every second one, `monthly` the first "
        "of a month",
    )
    starting: dt.date | None = Field(
        default=None,
        description="A day of a week in which a `fortnightly` report is sent; the first week of 2024 if left out",
        examples=["2026-11-18"],
    )
    weekday: Weekday = Field(default="wednesday", description="Day on which the report is sent")
    time: TimeOfDay = Field(default="09:00", description="Time from which it is sent, on the client's wall clock")
    review_hours: Annotated[int, Field(ge=1, le=24 * 4)] = Field(
        default=24,
        description="How long before that it waits for a reviewer; a report that nobody approves is not sent. Where "
        "the client's office is closed at that hour, the review begins with its last open day before",
    )
    remind: tuple[Email, ...] | None = Field(
        default=None,
        description="Addresses of the reviewers, who are reminded four hours before the time is up, and told if nobody "
        "answered; the sender's `email` if left out, nobody if `[]`",
    )
    without_review: bool = Field(
        default=False,
        description="Whether the client has agreed to reports that nobody has read before; red ones are held all the "
        "same",
    )
    wait_hours: Annotated[int, Field(ge=0, le=18)] = Field(
        default=4,
        description="How long a report waits for a source that has not been read; then it says what is missing",
    )

    def is_due(self, day: dt.date) -> bool:
        """Whether, of all reports that could be sent on the plan's weekday, the one of this day is."""
        if self.cadence == "fortnightly":
            first = self.starting or _FORTNIGHTS_FROM
            return (day - dt.timedelta(days=day.weekday()) - first + dt.timedelta(days=first.weekday())).days % 14 == 0
        return self.cadence == "weekly" or day.day <= _DAYS_OF_WEEK

    def next_after(self, moment: dt.datetime, zone: ZoneInfo) -> dt.datetime:
        """The first time after `moment` that a report is sent, in `zone`.

        A time of day that the clock skips that day is taken as far after the skip as it lies in it.
        """
        local = moment.astimezone(zone)
        day = local.date() + dt.timedelta(days=(WEEKDAYS.index(self.weekday) - local.weekday()) % _DAYS_OF_WEEK)
        while not self.is_due(day) or (planned := self.on(day, zone)).astimezone(dt.UTC) <= moment:
            day += dt.timedelta(days=_DAYS_OF_WEEK)
        return planned

    def on(self, day: dt.date, zone: ZoneInfo) -> dt.datetime:
        """The plan's time on a day, in `zone`."""
        # By way of UTC: Python compares and keeps wall clocks within a zone, even ones that never were.
        return dt.datetime.combine(day, dt.time.fromisoformat(self.time), zone).astimezone(dt.UTC).astimezone(zone)


Platforms = dict[str, Source]


def _platforms(kind: Kind) -> Platforms:
    return {name: source for name, source in SOURCES.items() if source.kind == kind}


SOCIAL, WEB = _platforms("social"), _platforms("web")

if TYPE_CHECKING:
    SocialPlatform: TypeAlias = str
    WebPlatform: TypeAlias = str
else:  # known only when the sources are loaded, those of other packages included
    SocialPlatform, WebPlatform = Literal[tuple(SOCIAL)], Literal[tuple(WEB)]


def _per_platform(platforms: Platforms, key: str) -> dict[str, Any]:
    """What the JSON Schema says of an account or site, platform by platform."""

    def then(source: Source) -> dict[str, Any]:
        needed = (["connection"] if source.needs_connection else []) + (["options"] if source.required_options else [])
        options = {
            "additionalProperties": False,
            "properties": {
                name: {"pattern": f"^(?:{option.pattern})$", "description": option.what, "examples": [option.example]}
                for name, option in source.options.items()
            },
            "required": list(source.required_options),
        }
        properties = {key: {"pattern": f"^(?:{source.reference.pattern})$"}, "options": options}
        return {"properties": properties, "required": needed}

    return {
        "allOf": [
            {"if": {"properties": {"platform": {"const": name}}}, "then": then(source)}
            for name, source in platforms.items()
        ]
    }


def _check_platform(platforms: Platforms, each: "Account | WebProperty", key: str, ref: str) -> None:
    """Hold an account or site against what its platform's source says of handles, connections and options."""
    source = platforms[each.platform]
    check_written(ref, source.reference, key)
    if source.needs_connection and each.connection is None:
        raise mistake(
            f"{source.title} answers only with a token, and no connection is named",
            f"add a line like connection: {each.platform}_{source.kind}, and make that Airflow Connection",
        )
    for name, value in each.options.items():
        option = source.options.get(name)
        if option is None:
            known = ", ".join(source.options) or "none"
            raise mistake(f"{source.title} has no option {quoted(name)}", f"its options are: {known}", "options", name)
        check_written(value, option, "options", name)
    for name in source.required_options:
        if name not in each.options:
            example = source.options[name].example
            raise mistake(f"{source.title} needs the option {name}", f"add options: with a line {name}: {example}")


def _as_text(value: object) -> object:
    """A number is taken as it is written: ids and amounts need no quotes."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


_TEXT_OR_NUMBER = {"type": ["string", "number"]}

Options = Annotated[
    dict[str, Annotated[str, BeforeValidator(_as_text), WithJsonSchema(_TEXT_OR_NUMBER)]],
    Field(description="What else the platform's source asks for; docs/sources.md names the options of each"),
]


class Account(Model):
    """A profile on a social platform.

    `handle` is what people type to find it, or the id that the platform's interface asks for: docs/sources.md tells
    for each platform.
    """

    model_config = ConfigDict(json_schema_extra=_per_platform(SOCIAL, "handle"))

    platform: SocialPlatform = Field(description="The platform", examples=["bluesky"])
    handle: Line = Field(
        description="What the platform knows it by: `name.example` on Bluesky, `@name@server.example` on Mastodon",
        examples=["name.bsky.social"],
    )
    connection: ConnectionId | None = Field(
        default=None, description="Airflow Connection with the account's token or another server"
    )
    options: Options = Field(default={})

    @model_validator(mode="after")
    def _fits_platform(self) -> "Account":
        _check_platform(SOCIAL, self, "handle", self.handle)
        return self


class WebProperty(Model):
    """A website and the analytics that measures it; its days are days of `time_zone`."""

    model_config = ConfigDict(json_schema_extra=_per_platform(WEB, "site_id"))

    platform: WebPlatform = Field(description="The analytics", examples=["matomo"])
    site_id: Annotated[
        Line, BeforeValidator(_as_text), WithJsonSchema({"type": ["string", "integer"], "minimum": 1})
    ] = Field(description="What the analytics knows the site by", examples=["1"])
    url: WebAddress = Field(description="Address of the website")
    connection: ConnectionId | None = Field(
        default=None, description="Airflow Connection with the analytics server and its token"
    )
    time_zone: TimeZone | None = Field(
        default=None, description="The zone set in the analytics; the client's own zone if left out"
    )
    options: Options = Field(default={})

    @model_validator(mode="after")
    def _fits_platform(self) -> "WebProperty":
        _check_platform(WEB, self, "site_id", self.site_id)
        return self


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


def _check_order(starts: dt.date | None, ends: dt.date | None) -> None:
    if starts and ends and ends < starts:
        raise mistake(f"ends ({ends}) is before starts ({starts})", "write the earlier day as starts", "ends")


class Asset(Model):
    """One touchpoint of a campaign: a poster, a QR code, an event, a newsletter.

    `utm_source` is the tag its visits carry, so that the web analytics can tell them apart.
    """

    kind: AssetKind = Field(description="What it is", examples=["poster"])
    name: Line = Field(description="Name for people", examples=["Poster at the harbour"])
    placement: Line | None = Field(default=None, description="Where it is seen", examples=["Harbour station"])
    utm_source: UtmName | None = Field(
        default=None,
        description="The utm_source of its links; write it as their utm_term too, which is what Matomo reports",
        examples=["poster-harbour"],
    )
    starts: dt.date | None = Field(default=None, description="First day it is out", examples=["2026-11-02"])
    ends: dt.date | None = Field(default=None, description="Last day it is out", examples=["2026-11-29"])
    cost: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = Field(
        default=None, description="What it cost, in the client's currency", examples=[480.50]
    )

    @model_validator(mode="after")
    def _in_order(self) -> "Asset":
        _check_order(self.starts, self.ends)
        return self


class Campaign(Model):
    """Something the client is doing across channels; `key` is its utm_campaign and its key in the warehouse."""

    key: UtmName = Field(description="Its utm_campaign, and its key in the warehouse: do not change it later")
    name: Line = Field(description="Name for people", examples=["Winter bread"])
    goal: Line = Field(description="What it is for, in one line", examples=["More orders in the online shop"])
    starts: dt.date = Field(description="First day", examples=["2026-11-02"])
    ends: dt.date = Field(description="Last day", examples=["2026-11-29"])
    hashtags: tuple[Hashtag, ...] = Field(
        default=(), description="Hashtags its posts carry; in quotes, because # begins a comment in YAML"
    )
    assets: tuple[Asset, ...] = Field(default=(), description="Its touchpoints outside the platforms")

    @model_validator(mode="after")
    def _in_order(self) -> "Campaign":
        _check_order(self.starts, self.ends)
        return self

    def runs_in(self, first: dt.date, last: dt.date) -> bool:
        """Whether any day of the campaign lies within first..last, both included."""
        return self.starts <= last and first <= self.ends


def _website(url: str) -> str:
    return re.sub(r"^https?://(www\.)?", "", url.casefold()).rstrip("/")


class Client(Model):
    """A client of the agency: one YAML file.

    `office_hours` maps weekdays to opening hours on the client's wall clock; a weekday left out is closed.
    Nothing is sent outside them, nor on a holiday.
    """

    client: Slug = Field(description="Short id; the file's name without .yaml")
    name: Line = Field(description="Name for people", examples=["Harbour Bakery"])
    time_zone: TimeZone = Field(description="IANA time zone of the client's clock and weeks")
    locale: Annotated[str, AfterValidator(_known_locale)] = Field(
        default="en_GB", description="How numbers and dates are written", examples=["de_DE"]
    )
    currency: Annotated[str, AfterValidator(_known_currency)] = Field(
        default="EUR", description="ISO 4217 code of costs", examples=["EUR"]
    )
    office_hours: dict[Weekday, Hours] = Field(
        min_length=1,
        description="Opening hours by weekday; a weekday left out is closed, and nothing is sent then",
    )
    holidays: Holidays = Field(default=Holidays(), description="Days on which nothing is sent")
    report: ReportPlan = Field(default=ReportPlan(), description="When the report is sent, and who sees it before")
    reviewers: tuple[Annotated[Line, Field(examples=["mira"])], ...] = Field(
        min_length=1, description="Airflow user names; any one may approve"
    )
    sender: Sender = Field(description="Who at the agency the report comes from")
    recipients: tuple[Recipient, ...] = Field(min_length=1, description="Who gets the report")
    accounts: tuple[Account, ...] = Field(default=(), description="Profiles on social platforms")
    web: tuple[WebProperty, ...] = Field(default=(), description="Websites and their analytics")
    campaigns: tuple[Campaign, ...] = Field(default=(), description="What the client is doing across channels")

    @cached_property
    def zone(self) -> ZoneInfo:
        """The client's time zone."""
        return ZoneInfo(self.time_zone)

    @cached_property
    def reminded(self) -> tuple[str, ...]:
        """Addresses of those who are reminded of a review."""
        return (self.sender.email,) if self.report.remind is None else self.report.remind

    @cached_property
    def visit_counters(self) -> tuple[WebProperty, ...]:
        """Of each website the first analytics in the file that counts visits: another would count the same ones.

        Addresses are of one website if they differ by `http`, `www.`, capitals or a slash at the end only.
        """
        counting = [site for site in self.web if "visits" in WEB[site.platform].metrics]
        return tuple({_website(site.url): site for site in reversed(counting)}.values())[::-1]

    @model_validator(mode="after")
    def _no_doubles(self) -> "Client":
        named: dict[str, tuple[str, list[str]]] = {
            "accounts": ("account", [f"{a.platform} {a.handle.lower()}" for a in self.accounts]),
            "web": ("web property", [f"{w.platform} site {w.site_id}" for w in self.web]),
            "recipients": ("recipient", [r.email.lower() for r in self.recipients]),
            "campaigns": ("campaign key", [c.key for c in self.campaigns]),
        }
        for key, (what, names) in named.items():
            for name, count in Counter(names).items():
                if count > 1:
                    second = names.index(name, names.index(name) + 1)
                    raise mistake(f"the same {what} stands here twice: {name}", "remove one of them", key, second)
        if not self.accounts and not self.web:
            raise mistake(
                "a client needs at least one account or one web property to report on",
                "add accounts: or web:, as in examples/client.yaml",
            )
        return self
