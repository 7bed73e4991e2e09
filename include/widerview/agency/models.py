"""Who the clients are: one YAML file a client, as pydantic models.

The file says everything that is the client's own: accounts, website, campaigns, recipients, office hours. It
holds no secret; a `connection` names the Airflow Connection that does.

The descriptions and examples here are also what editors show, what `docs/agency.md` explains and what a mistake
in a file is answered with.
"""

import datetime as dt
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from functools import cache, cached_property
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

import idna
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

ANNOUNCED = dt.timedelta(days=7)
"""So long before its first day a campaign may be announced: what carries its tags or hashtags then is its own."""

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS: tuple[Weekday, ...] = (
    "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday",
)  # fmt: skip
Cadence = Literal["weekly", "fortnightly", "monthly"]
FigureName = Literal[
    "visits", "social_visits", "campaign_visits", "reactions_per_post", "replies_received", "passed_on"
]
_DAYS_OF_WEEK = 7
_COUNTED_FROM = dt.date(2024, 1, 1)
_SHOWS_A_YEAR_EVERY = 4  # weeks
_MONTHS_OF_QUARTER = 3
_LONGEST_QUOTE = 60
_DOMAIN = re.compile(r"([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z0-9-]{2,63}")


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


def ascii_domain(domain: str) -> str:
    """Write a domain in its ASCII form (IDNA 2008).

    Raises:
        ValueError: It has none.
    """
    return domain if domain.isascii() else idna.encode(domain, uts46=True).decode("ascii")


def _mailbox(value: str) -> str:
    local, _, domain = value.rpartition("@")
    try:
        is_domain = bool(_DOMAIN.fullmatch(ascii_domain(domain)))
    except ValueError:
        is_domain = False
    # What nobody sees (joiners, marks of direction) would make two addresses look like one.
    is_local = unicodedata.is_normalized("NFC", local) and all(
        letter.isascii() or unicodedata.category(letter)[0] in "LMN" for letter in local
    )
    if not (is_domain and is_local):
        raise mistake(f"{quoted(value)} is not one email address", "write it like mira@agency.example")
    return value


def _ascii_mailbox(value: str) -> str:
    if not value.rpartition("@")[0].isascii():
        raise mistake(
            f"{quoted(value)} has letters outside ASCII before the @, which not every mail server carries",
            "write it like mira@agency.example",
        )
    return value


def _mailbox_name(email: str) -> str:
    """What two spellings of one address have in common."""
    local, _, domain = email.rpartition("@")
    return f"{local}@{ascii_domain(domain)}".lower()


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
        "one email address",
        r"[^\x00-\x20\x7f-\xa0\u2028\u2029\"(),:;<>@\[\\\]]{1,64}@[^\s@]{4,253}",
        "mira@agency.example",
    ),
    AfterValidator(_mailbox),
]
SenderEmail = Annotated[Email, AfterValidator(_ascii_mailbox)]
WebAddress = Annotated[
    str, Written("a web address", rf"https?://[^\s{_CONTROLS}<>]+", "https://www.harbour-bakery.example")
]
PageAddress = Annotated[
    str,
    Written(
        "the https address of a page, in ASCII, without campaign tags and #fragment",
        r"https://(?![!-~]*[?&](?:utm|mtm|pk|piwik|matomo)_)[!$-;=?-\[\]_a-z~]+",
        "https://www.harbour-bakery.example/winter-bread",
    ),
]
ShortPath = Annotated[
    str,
    Written(
        "a short path of a-z, 0-9 and hyphens that begins with / and has no / at its end",
        r"(?=.{2,60}$)(/[a-z0-9][a-z0-9-]*)+",
        "/market",
    ),
]
ThemeName = Annotated[
    str,
    Written(
        "the path of a theme file, from the folder of client files on",
        r"([A-Za-z0-9][A-Za-z0-9_.-]*/)*[A-Za-z0-9][A-Za-z0-9_.-]*\.ya?ml",
        "themes/harbour-bakery.yaml",
    ),
]
PromoCode = Annotated[
    str, Written("a promo code of A-Z, 0-9 and hyphens, 40 at most", r"[A-Z0-9][A-Z0-9-]{0,39}", "WINTER10")
]
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]
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
    email: SenderEmail = Field(description="Address the report comes from")
    reply_to: SenderEmail | None = Field(default=None, description="Address answers go to; `email` if left out")
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
        description="Addresses of the reviewers, who are reminded about four hours before the time is up, and told if "
        "nobody answered; the sender's `email` if left out, nobody if `[]`",
    )
    without_review: bool = Field(
        default=False,
        description="Whether the client has agreed to reports that nobody has read before; red ones are held all the "
        "same",
    )
    pdf: bool = Field(default=False, description="Whether the report is attached as an accessible PDF, too")
    figures: tuple[FigureName, ...] = Field(
        default=(),
        description="The figures that matter most to this client, in their order: they stand first in the mail, and "
        "are told first. The others follow as they do elsewhere",
        examples=[["campaign_visits", "replies_received"]],
    )
    wait_hours: Annotated[int, Field(ge=0, le=18)] = Field(
        default=4,
        description="How long a report waits for a source that has not been read; then it says what is missing",
    )

    def is_due(self, day: dt.date) -> bool:
        """Whether, of all reports that could be sent on the plan's weekday, the one of this day is."""
        if self.cadence == "fortnightly":
            return self._weeks_before(day) % 2 == 0
        return self.cadence == "weekly" or day.day <= _DAYS_OF_WEEK

    def shows_year(self, day: dt.date) -> bool:
        """Whether the report of a day shows a year: every fourth week, or, of monthly reports, every third."""
        if self.cadence == "monthly":
            return self.is_due(day) and day.month % _MONTHS_OF_QUARTER == 1
        return self._weeks_before(day) % _SHOWS_A_YEAR_EVERY == 0

    def _weeks_before(self, day: dt.date) -> int:
        """How many weeks lie between the first one that counts and that of a day."""
        first = self.starting or _COUNTED_FROM
        return (
            day - dt.timedelta(days=day.weekday()) - first + dt.timedelta(days=first.weekday())
        ).days // _DAYS_OF_WEEK

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


class CrisisPlan(Model):
    """Who at the agency is told when far more people than usual write to the client. The client never is."""

    alert: tuple[Email, ...] | None = Field(
        default=None,
        description="Who is told, at the agency; the sender (`reply_to`, else `email`) if left out, nobody if `[]`",
    )
    on_call: bool = Field(
        default=False,
        description="Whether they are told at any hour; else inside the client's office hours only. "
        "Set it for people who have agreed to be on call",
    )


Platforms = dict[str, Source]


def _platforms(kind: Kind) -> Platforms:
    return {name: source for name, source in SOURCES.items() if source.kind == kind}


SOCIAL, WEB, OFFLINE = _platforms("social"), _platforms("web"), _platforms("offline")

if TYPE_CHECKING:
    SocialPlatform: TypeAlias = str
    WebPlatform: TypeAlias = str
    OfflinePlatform: TypeAlias = str
else:  # known only when the sources are loaded, those of other packages included
    SocialPlatform, WebPlatform = Literal[tuple(SOCIAL)], Literal[tuple(WEB)]
    OfflinePlatform = Literal[tuple(OFFLINE)]


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


def _check_platform(platforms: Platforms, each: "Account | WebProperty | Offline", key: str, ref: str) -> None:
    """Hold an account, site or folder against what its platform's source says of handles, connections and options."""
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


class Offline(Model):
    """Where people put what they have counted away from platforms and website; its days are the client's own."""

    model_config = ConfigDict(json_schema_extra=_per_platform(OFFLINE, "name"))

    platform: OfflinePlatform = Field(description="How it comes in", examples=["drop_folder"])
    name: Line = Field(description="A short name of it: do not change it later", examples=["shop"])
    connection: ConnectionId | None = Field(default=None, description="Airflow Connection, if it needs one")
    options: Options = Field(default={})

    @model_validator(mode="after")
    def _fits_platform(self) -> "Offline":
        _check_platform(OFFLINE, self, "name", self.name)
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


_Place = tuple[str | int, ...]
"""Keys and positions that lead to a value of the file."""


def _check_order(starts: dt.date | None, ends: dt.date | None) -> None:
    if starts and ends and ends < starts:
        raise mistake(f"ends ({ends}) is before starts ({starts})", "write the earlier day as starts", "ends")


if TYPE_CHECKING:
    ChannelName: TypeAlias = str
else:
    ChannelName = Literal[(*SOCIAL, "search_ads", "display_ads")]


class Channel(Model):
    """Where a campaign speaks: a social platform, or advertising beside one. With a budget it is paid there, too."""

    channel: ChannelName = Field(description="The platform, or the kind of advertising", examples=["instagram"])
    budget: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = Field(
        default=None,
        description="What may be spent there, in the client's currency; left out where nothing is paid",
        examples=[300],
    )

    @property
    def utm_source(self) -> str | None:
        """The utm_source of its unpaid links; None if it has none."""
        return self.channel if self.channel in SOCIAL else None

    @property
    def paid_utm_source(self) -> str | None:
        """The utm_source of its paid links, another one: what was paid for is counted apart. None if it has none."""
        if self.budget is None:
            return None
        return f"{self.channel}-ads" if self.channel in SOCIAL else self.channel

    @model_validator(mode="after")
    def _paid_if_advertising(self) -> "Channel":
        if self.channel not in SOCIAL and self.budget is None:
            raise mistake(f"{self.channel} is always paid, and has no budget", "add a line like budget: 300")
        return self


class PartnerAccount(Model):
    """An account of a partner's, written as under `accounts`."""

    platform: SocialPlatform = Field(description="The platform", examples=["bluesky"])
    handle: Line = Field(description="What the platform knows it by", examples=["fern.example"])

    @model_validator(mode="after")
    def _fits_platform(self) -> "PartnerAccount":
        check_written(self.handle, SOCIAL[self.platform].reference, "handle")
        return self


class Partner(Model):
    """Somebody else who speaks for the campaign: an influencer, a neighbour, a supplier.

    What they post is told apart from the client's own: by permalink, or because one of their accounts posted it.
    """

    name: Line = Field(description="Who they are", examples=["Fern Example"])
    accounts: tuple[PartnerAccount, ...] = Field(
        default=(), description="Their accounts; what these post is theirs, also where it is read with the client's own"
    )
    posts: tuple[WebAddress, ...] = Field(default=(), description="Permalinks of their posts for the campaign")
    utm_source: UtmName | None = Field(
        default=None, description="The utm_source of the links given to them", examples=["fern"]
    )
    cost: Amount | None = Field(default=None, description="What they got, in the client's currency", examples=[150])


class Asset(Model):
    """One touchpoint of a campaign: a poster, a QR code, an event, a newsletter.

    `utm_source` is the tag its visits carry, so that the web analytics can tell them apart. `path` is what is
    printed, as an address or in a QR code: a short path on the client's own site that leads on to the landing page
    (docs/campaigns.md). Only for a landing page it is the page itself.
    """

    kind: AssetKind = Field(description="What it is", examples=["poster"])
    name: Line = Field(description="Name for people", examples=["Poster at the harbour"])
    placement: Line | None = Field(default=None, description="Where it is seen", examples=["Harbour station"])
    utm_source: UtmName | None = Field(
        default=None,
        description="The utm_source of its links, and their utm_term, which is what Matomo reports; "
        "made from its path if left out",
        examples=["poster-harbour"],
    )
    path: ShortPath | None = Field(
        default=None, description="The short path on the client's own site that is printed on it or in its QR code"
    )
    landing_page: PageAddress | None = Field(
        default=None, description="The page its links lead to; the campaign's if left out"
    )
    code: PromoCode | None = Field(default=None, description="The promo code that people name at the till or type in")
    starts: dt.date | None = Field(default=None, description="First day it is out", examples=["2026-11-02"])
    ends: dt.date | None = Field(default=None, description="Last day it is out", examples=["2026-11-29"])
    cost: Amount | None = Field(default=None, description="What it cost, in the client's currency", examples=[480.50])

    @property
    def tag(self) -> str | None:
        """The utm_source of its links; None if it has none."""
        if self.utm_source or not self.path:
            return self.utm_source
        return self.path.strip("/").replace("/", "-")

    @property
    def short_path(self) -> str | None:
        """Its path, if that is one that leads on to another page."""
        return None if self.kind is AssetKind.LANDING_PAGE else self.path

    @model_validator(mode="after")
    def _in_order(self) -> "Asset":
        _check_order(self.starts, self.ends)
        return self

    @model_validator(mode="after")
    def _has_what_its_kind_needs(self) -> "Asset":
        match self.kind:
            case AssetKind.VANITY_URL | AssetKind.QR_CODE if not self.path:
                raise mistake(f"a {self.kind} needs the short path that it shows", "add a line like path: /market")
            case AssetKind.LANDING_PAGE if not self.path:
                raise mistake("a landing_page needs its path", "add a line like path: /winter-bread")
            case AssetKind.PROMO_CODE if not self.code:
                raise mistake("a promo_code needs the code", "add a line like code: WINTER10")
        return self


class Campaign(Model):
    """Something the client is doing across channels; `key` is its utm_campaign and its key in the warehouse.

    A post belongs to it by one of its hashtags, by a link tagged with its key, or because `posts` names it.
    """

    key: UtmName = Field(description="Its utm_campaign, and its key in the warehouse: do not change it later")
    name: Line = Field(description="Name for people", examples=["Winter bread"])
    goal: Line = Field(description="What it is for, in one line", examples=["More orders in the online shop"])
    audience: Line | None = Field(
        default=None, description="Whom it is for, in words", examples=["Families who live near the harbour"]
    )
    starts: dt.date = Field(description="First day", examples=["2026-11-02"])
    ends: dt.date = Field(description="Last day", examples=["2026-11-29"])
    landing_page: PageAddress | None = Field(
        default=None, description="The page on the client's website that its links lead to"
    )
    hashtags: tuple[Hashtag, ...] = Field(
        default=(), description="Hashtags its posts carry; in quotes, because # begins a comment in YAML"
    )
    channels: tuple[Channel, ...] = Field(
        default=(), description="Where it speaks; if left out, on the platforms of the client's accounts, unpaid"
    )
    posts: tuple[WebAddress, ...] = Field(
        default=(), description="Permalinks of posts that belong to it without hashtag or tagged link"
    )
    partners: tuple[Partner, ...] = Field(default=(), description="Influencers and partners who post for it")
    assets: tuple[Asset, ...] = Field(default=(), description="Its touchpoints outside the platforms")

    @model_validator(mode="after")
    def _in_order(self) -> "Campaign":
        _check_order(self.starts, self.ends)
        return self

    @model_validator(mode="after")
    def _nothing_twice(self) -> "Campaign":
        _check_doubles("channel", [(each.channel, ("channels", n)) for n, each in enumerate(self.channels)])
        _check_doubles("asset name", [(each.name, ("assets", n, "name")) for n, each in enumerate(self.assets)])
        posts: list[tuple[str, _Place]] = [(post, ("posts", n)) for n, post in enumerate(self.posts)]
        for n, partner in enumerate(self.partners):
            posts += [(post, ("partners", n, "posts", m)) for m, post in enumerate(partner.posts)]
        _check_doubles("post", posts)
        return self

    @property
    def announced(self) -> dt.date:
        """The first day on which something that carries its tags or hashtags is its own."""
        return self.starts - min(ANNOUNCED, self.starts - dt.date.min)

    @property
    def counts_from(self) -> dt.date:
        """The first day of which anything is counted for it: it is announced, or one of its assets is out already."""
        return min([self.announced, *(self.days_of(asset)[0] for asset in self.assets)])

    def speaks_on(self, day: dt.date) -> bool:
        """Whether what is posted on a day with its tags or hashtags is its own: from its announcement to its end."""
        return self.announced <= day <= self.ends

    @property
    def budget(self) -> float:
        """What its ads may cost on all its channels; 0 where nothing is paid."""
        return sum(each.budget or 0.0 for each in self.channels)

    def runs_in(self, first: dt.date, last: dt.date) -> bool:
        """Whether any day of the campaign lies within first..last, both included."""
        return self.starts <= last and first <= self.ends

    def days_of(self, asset: Asset) -> tuple[dt.date, dt.date]:
        """First and last day that an asset of this campaign is out: the campaign's own where the asset says none."""
        first = asset.starts or min(self.starts, asset.ends or self.starts)
        return first, asset.ends or max(self.ends, first)

    def page_of(self, asset: Asset) -> str | None:
        """The page that an asset's links lead to."""
        return asset.landing_page or self.landing_page

    @property
    def pages(self) -> tuple[str, ...]:
        """The pages that its links lead to: addresses, and of assets that are pages the path on any website."""
        own = (each.path for each in self.assets if each.kind is AssetKind.LANDING_PAGE)
        pages = (self.landing_page, *(each.landing_page for each in self.assets), *own)
        return tuple(dict.fromkeys(page for page in pages if page))


class TimelineEntry(Model):
    """Something that happened to the client and may explain a number: its day is marked on the charts."""

    day: dt.date = Field(description="The day", examples=["2026-11-10"])
    what: Line = Field(description="What happened, in a few words", examples=["Online shop down all morning"])
    kind: Literal["outage", "price_change", "holiday", "algorithm_change", "other"] = Field(
        description="What it is", examples=["outage"]
    )


def _check_doubles(what: str, named: Iterable[tuple[str, _Place]]) -> None:
    """Refuse what stands twice, at the place where it stands the second time; names with their places."""
    seen: set[str] = set()
    for name, at in named:
        if name in seen:
            raise mistake(f"the same {what} stands here twice: {name}", "remove one of them", *at)
        seen.add(name)


_LONGEST_GOAL = dt.timedelta(days=366)


class Goal(Model):
    """A number to come to within some days; what is counted adds up from the first of them on.

    There is none for followers: they say little of what people do.
    """

    metric: Literal["visits", "social_visits", "campaign_visits", "reactions", "replies_received", "passed_on"] = Field(
        description="What is counted, by its name in docs/metrics.md", examples=["visits"]
    )
    target: Annotated[int, Field(gt=0)] = Field(description="The number to come to", examples=[500])
    starts: dt.date = Field(description="First day that counts", examples=["2026-11-02"])
    ends: dt.date = Field(description="Last day, within a year of the first", examples=["2026-11-29"])
    campaign: UtmName | None = Field(
        default=None, description="Key of the campaign whose visits alone count; only with `campaign_visits`"
    )
    note: Line | None = Field(
        default=None, description="What it is for, printed beside it", examples=["As many as last winter"]
    )

    @model_validator(mode="after")
    def _fits(self) -> "Goal":
        _check_order(self.starts, self.ends)
        if self.ends - self.starts > _LONGEST_GOAL:
            raise mistake(
                f"from {self.starts} to {self.ends} is longer than a year", "set a goal for a year at most", "ends"
            )
        if self.campaign and self.metric != "campaign_visits":
            raise mistake(
                f"{self.metric} are not counted by campaign", "write metric: campaign_visits, or remove it", "campaign"
            )
        return self


def _website(url: str) -> str:
    return re.sub(r"^https?://(www\.)?", "", url.casefold()).rstrip("/")


def host_of(url: str) -> str:
    """The host of a web address as websites are told apart by: in lower case, without `www.`; empty if none."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:  # people write things that only look like links
        return ""
    return host.removeprefix("www.")


class Client(Model):
    """A client of the agency: one YAML file.

    `office_hours` maps weekdays to opening hours on the client's wall clock; a weekday left out is closed.
    Nothing is sent outside them, nor on a holiday.
    """

    client: Slug = Field(description="Short id; the file's name without .yaml")
    name: Line = Field(description="Name for people", examples=["Harbour Bakery"])
    time_zone: TimeZone = Field(description="IANA time zone of the client's clock and weeks")
    locale: Annotated[str, AfterValidator(_known_locale)] = Field(
        default="en_GB",
        description="The language of the report, English or German, and how its numbers and dates are written",
        examples=["de_DE"],
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
    theme: ThemeName | None = Field(
        default=None,
        description="File that says how the mail looks (docs/themes.md), from the folder of client files on; "
        "`themes/agency.yaml` if left out, where there is one",
    )
    crisis: CrisisPlan = Field(default=CrisisPlan(), description="Who is told of a rush of comments")
    recipients: tuple[Recipient, ...] = Field(min_length=1, description="Who gets the report")
    accounts: tuple[Account, ...] = Field(default=(), description="Profiles on social platforms")
    web: tuple[WebProperty, ...] = Field(default=(), description="Websites and their analytics")
    offline: tuple[Offline, ...] = Field(
        default=(), description="What is counted away from platforms and website: till, door, newsletter, scans"
    )
    campaigns: tuple[Campaign, ...] = Field(default=(), description="What the client is doing across channels")
    goals: tuple[Goal, ...] = Field(
        default=(), description="Numbers to come to, which the report holds the pace against"
    )
    everyday: UtmName | None = Field(
        default=None,
        description="The utm_campaign of links in posts that belong to no campaign",
        examples=["everyday"],
    )
    timeline: tuple[TimelineEntry, ...] = Field(
        default=(), description="What else happened and may explain a number; marked on the charts"
    )

    @cached_property
    def zone(self) -> ZoneInfo:
        """The client's time zone."""
        return ZoneInfo(self.time_zone)

    @cached_property
    def reminded(self) -> tuple[str, ...]:
        """Addresses of those who are reminded of a review."""
        return (self.sender.email,) if self.report.remind is None else self.report.remind

    @cached_property
    def alerted(self) -> tuple[str, ...]:
        """Addresses of those at the agency who are told of a rush of comments."""
        return (self.sender.reply_to or self.sender.email,) if self.crisis.alert is None else self.crisis.alert

    @cached_property
    def visit_counters(self) -> tuple[WebProperty, ...]:
        """Of each website the first analytics in the file that counts visits: another would count the same ones.

        Addresses are of one website if they differ by `http`, `www.`, capitals or a slash at the end only.
        """
        counting = [site for site in self.web if "visits" in WEB[site.platform].metrics]
        return tuple({_website(site.url): site for site in reversed(counting)}.values())[::-1]

    @cached_property
    def hosts(self) -> tuple[str, ...]:
        """The hosts of the client's websites, without `www.`, in the order of the file."""
        return tuple(dict.fromkeys(host_of(site.url) for site in self.web))

    def channels_of(self, campaign: Campaign) -> tuple[Channel, ...]:
        """Where a campaign speaks: its channels, or without any the platforms of the client's accounts."""
        platforms = dict.fromkeys(account.platform for account in self.accounts)
        return campaign.channels or tuple(Channel(channel=platform) for platform in platforms)

    def asset_by_path(self, path: str, day: dt.date) -> tuple[Campaign, Asset] | None:
        """Whose a short path or the path of a landing page was on a day: of those that have it, who began last.

        A path stays with its asset after the last day, as a poster does that nobody took down, until another asset
        begins with the same path. None before the first began, and for a path that is none of them.
        """
        return self._holder(day, lambda asset: asset.path == (path.rstrip("/").casefold() or "/"))

    def asset_by_code(self, code: str, day: dt.date) -> tuple[Campaign, Asset] | None:
        """Whose a promo code was on a day, as for `asset_by_path`; capitals and blanks around it do not matter."""
        return self._holder(day, lambda asset: asset.code == code.strip().upper())

    def _holder(self, day: dt.date, has_it: Callable[[Asset], bool]) -> tuple[Campaign, Asset] | None:
        begun = [
            (campaign.days_of(asset)[0], campaign, asset)
            for campaign in self.campaigns
            for asset in campaign.assets
            if has_it(asset) and campaign.days_of(asset)[0] <= day
        ]
        return max(begun, key=lambda each: each[0])[1:] if begun else None

    @model_validator(mode="after")
    def _campaigns_fit(self) -> "Client":
        if self.everyday in {campaign.key for campaign in self.campaigns}:
            raise mistake(
                f"{self.everyday} is already the key of a campaign", "write another word like everyday", "everyday"
            )
        _check_landing_pages(self)
        _check_touchpoints(self)
        return self

    @model_validator(mode="after")
    def _known_campaigns(self) -> "Client":
        keys = [campaign.key for campaign in self.campaigns]
        for index, goal in enumerate(self.goals):
            if goal.campaign and goal.campaign not in keys:
                raise mistake(
                    f"there is no campaign {quoted(goal.campaign)} in this file",
                    f"its campaigns are: {', '.join(keys) or 'none'}",
                    *("goals", index, "campaign"),
                )
        return self

    @model_validator(mode="after")
    def _one_currency(self) -> "Client":
        """An amount is kept without its currency, which is the client's."""
        for index, site in enumerate(self.web):
            asked = site.options.get("currency", self.currency)
            if asked != self.currency:
                raise mistake(
                    f"amounts of {WEB[site.platform].title} would be in {asked}, and those of the client are in "
                    f"{self.currency}",
                    f"write currency: {self.currency}",
                    *("web", index, "options", "currency"),
                )
        return self

    @model_validator(mode="after")
    def _no_doubles(self) -> "Client":
        named: dict[str, tuple[str, list[str]]] = {
            "accounts": ("account", [f"{a.platform} {a.handle.lower()}" for a in self.accounts]),
            "web": ("web property", [f"{w.platform} site {w.site_id}" for w in self.web]),
            "offline": ("folder", [f"{o.platform} {o.name}" for o in self.offline]),
            "recipients": ("recipient", [_mailbox_name(r.email) for r in self.recipients]),
            "crisis": ("address", [_mailbox_name(email) for email in self.crisis.alert or ()]),
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


def _all_assets(client: Client) -> Iterator[tuple[Campaign, Asset, _Place]]:
    for n, campaign in enumerate(client.campaigns):
        for m, asset in enumerate(campaign.assets):
            yield campaign, asset, ("campaigns", n, "assets", m)


def _check_landing_pages(client: Client) -> None:
    """Pages lie on the client's own websites, and every short path has a page to lead to that is not itself."""
    pages: list[tuple[str | None, _Place]] = [
        (campaign.landing_page, ("campaigns", n, "landing_page")) for n, campaign in enumerate(client.campaigns)
    ]
    pages += [(asset.landing_page, (*at, "landing_page")) for _, asset, at in _all_assets(client)]
    for page, at in pages:
        if page and host_of(page) not in client.hosts:
            known = f"on {' or '.join(client.hosts)}" if client.hosts else "on one of them"
            raise mistake(
                f"{quoted(page)} is on none of the client's websites",
                f"write a page {known}, or add the website under web",
                *at,
            )
    for campaign, asset, at in _all_assets(client):
        page = campaign.page_of(asset)
        if asset.short_path and not page:
            raise mistake(
                f"the path {asset.short_path} leads nowhere: neither the asset nor its campaign has a landing page",
                "add a line like landing_page: https://www.harbour-bakery.example/winter-bread to the campaign",
                *at, "path",
            )  # fmt: skip
        if asset.short_path and page and urlsplit(page).path.rstrip("/").casefold() == asset.short_path:
            raise mistake(
                f"the path {asset.short_path} would lead to itself, for it is the landing page's own",
                "choose another short path for what is printed",
                *at, "path",
            )  # fmt: skip


def _check_touchpoints(client: Client) -> None:
    """One tag, path or code tells one touchpoint; a path or code may be given anew once its first asset is over."""
    for n, campaign in enumerate(client.campaigns):
        channels = client.channels_of(campaign)
        named: list[tuple[str | None, _Place]] = [(each.utm_source, ()) for each in channels]
        named += [(each.paid_utm_source, ()) for each in channels]
        named += [(each.utm_source, ("partners", m, "utm_source")) for m, each in enumerate(campaign.partners)]
        named += [
            (each.tag, ("assets", m, "utm_source" if each.utm_source else "path"))
            for m, each in enumerate(campaign.assets)
        ]
        _check_doubles("tag (utm_source)", [(tag, ("campaigns", n, *at)) for tag, at in named if tag])
    for key in ("path", "code"):
        earlier: list[tuple[Campaign, Asset]] = []
        for campaign, asset, at in _all_assets(client):
            value = getattr(asset, key)
            first, last = campaign.days_of(asset)
            for its_campaign, other in earlier if value else ():
                begins, ends = its_campaign.days_of(other)
                hidden = key == "path" and asset.short_path != other.short_path
                if getattr(other, key) == value and (hidden or (first <= ends and begins <= last)):
                    raise mistake(
                        f"the {key} {value} is already that of {quoted(other.name)} in {its_campaign.key}, "
                        f"{begins} to {ends}",
                        "choose another: one of the two is a page, which the other would hide"
                        if hidden
                        else f"choose another {key}, or dates that do not overlap",
                        *at,
                        key,
                    )
            earlier.append((campaign, asset))
