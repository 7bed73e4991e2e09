"""### Web-server access logs: a website's visits, day by day, where nothing else counts them.

**Purpose.** Read from the log that a client's web server writes anyway how many visits each day had, and what brought
them. It is for sites without any analytics; where there is one, use it.

**Inputs.** In the client file, `site_id` is the website's host name, and `options` has `files`: where the logs lie on
the machine of the Airflow workers, as a path with `*` that matches the rotated copies, too
(`/var/log/nginx/client/access.log*`). Plain and gzipped files in the *Combined* format of Apache and nginx are read,
also with the forwarded address behind it, as nginx writes it by default. The user that runs the workers must be
allowed to read them (on Debian: `adduser airflow adm`). `log_begins` (optional) is the day on which the log itself
begins, if that is within what is read. No Airflow Connection is needed and nothing is asked over the network.

**Outputs.** Values of whole days in the site's time zone: visits, visitors, page views, bounces, time on the website,
and requests with everything in them. Visits, page views and bounces are split by `channel` (direct, search, website,
campaign, social, ai_assistant), by `network`, by `campaign` (`utm_campaign`, in lower case) and by `touchpoint`
(`<campaign>/<utm_source>`). Of the pages that the client's campaigns lead to, the visits that began there, and those of
them by tagged links, are split by `page`. Page views are successful requests for pages; visits are page views of one
visitor with less than 30 minutes between them. Calls of the campaigns' short paths (`path` of a poster or QR code) that
the server redirected are counted as `scans`, split by `asset`: the path. A chain of redirects (to `https`, to `www.`,
then to the page) is one scan.

**Calls.** None. Some ten thousand lines are read in a second.

**Limits.** *Nobody's address is kept.* Address and browser of a line become a hash under a random key that belongs to
one day, lives in memory only and is thrown away with it; what is stored is a number by order of appearance, so that the
visits of one day can be told apart, and a visitor of two days cannot. User names, browsers, paths other than those of
the campaigns' pages, and all of a query but `utm_campaign` and `utm_source` are dropped, of a referrer all but its
host. Robots are left out as far as they give themselves away by the list *crawler-user-agents*; those that pose as
browsers are counted. People behind one address with the same browser are one visitor; where the server stands behind a
proxy, it must log the visitor's address. Files that begin with the same line are taken for copies of each other, and
only the longest is read. A day is left out if the log begins within it, because its beginning is missing; a day without
a line is zero only if there are lines before and after it.

**When it fails.** *Not found*: no file matches, or the folder may not be listed. *Unauthorized*: a file may not be
read. *Bad answer*: more than a few lines are not in the Combined format; the message names file and line and quotes one
with its address taken out. *Unavailable*: the log was rotated while it was read; the next try will do.
"""

import datetime as dt
import gzip
import ipaddress
import logging
import re
import secrets
import zlib
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache, partial
from hashlib import blake2b, sha256
from importlib.resources import files
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, ClassVar
from urllib.parse import parse_qsl, urlsplit

import msgspec

from widerview.sources import landing_pages
from widerview.sources.base import RawPage, Request, Row, Source, Target, Window, Written, day_rows, stamp
from widerview.sources.errors import BadAnswer, NotFound, SourceError, Unauthorized, Unavailable
from widerview.sources.http import LARGEST_BODY, Count, HttpClient, decode, place
from widerview.sources.referrers import USUAL_CHANNELS, Member, referred, tag, tagged
from widerview.vocabulary.dictionaries import load_dictionary

if TYPE_CHECKING:
    from apachelogs import LogEntry  # type: ignore[import-untyped]

log = logging.getLogger(__name__)

_TITLE = "Access log"
_PAUSE = dt.timedelta(minutes=30).total_seconds()
"""A visitor who asks for no page for so long begins a new visit."""
_CHAIN = 10
"""Seconds: redirects of one visitor's calls of a path with less between them are one chain, on the way to one page."""
_LONGEST_LINE = 64 * 2**10
_LONGEST_NAME = 100
_LONGEST_HOST = 253
_TOLERATED, _TOLERATED_SHARE = 3, 0.05
"""So many lines of a file, and so many more of each line read, may be unreadable."""
_QUOTED = 120

_STAMP = re.compile(rb"\[(\d\d/[A-Za-z]{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\]")
_GET = re.compile(r"GET (/[^ ]*)(?: HTTP/[0-9.]+)?")
_FILE = re.compile(
    r"""
    \..* | .*\.(?:
        avif | bmp | gif | ico | jpe?g | png | svgz? | tiff? | webp |
        css | eot | js | map | mjs | otf | ttf | wasm | woff2? |
        avi | flac | m3u8 | m4[av] | mov | mp[34] | mpe?g | og[agv] | swf | ts | vtt | wav | webm |
        atom | conf | csv | env | gpx | ics | ini | json | jsonld | kml | log | rdf | rss | sql | tsv | txt | vcf |
        webmanifest | xml | xslt? | ya?ml |
        docx? | epub | md | od[pst] | pdf | pptx? | ps | rtf | tex | xlsx? |
        7z | apk | bin | bz2 | deb | dmg | exe | gem | gz | img | iso | jar | msi | rar | rpm | tar | tgz | xz | zip |
        bak | c | cpp | diff | h | java | lua | patch | py | pyc | rb | sh | spec
    )
    """,
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
)
"""The last part of a path that is no page's, because it is called like a picture, a script, a feed or another file.

A dot alone makes no file of a page: `size-2.5`, `st.-gallen`.
"""
_RUN = re.compile(r"[0-9A-Fa-f:.]+")
"""What an address is made of; a run of it is looked at as a whole, so that a long one costs no more than its length."""
_IPV4 = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}")
_NOT_MODIFIED = 304
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class _Origin(msgspec.Struct, frozen=True, omit_defaults=True):
    """How somebody came to a page: the referring host, and what the link named; `page` is one of the campaigns' own."""

    referrer: str = ""
    campaign: str = ""
    source: str = ""
    page: str = ""


_Number = Annotated[int, msgspec.Meta(ge=0, le=2**31)]
_View = tuple[_Number, _Number, _Number]
"""A page view: seconds since the day began, the visitor's number, the index of its origin."""


class _Day(msgspec.Struct, omit_defaults=True):
    """A day of the log as it is landed, without anything that leads to a person.

    `requests` counts every line that can be read, `robots` those of them that robots sent, `unreadable` the others;
    `scans` the calls of each short path, a chain of redirects once, robots left out.
    """

    day: dt.date
    zone: str
    requests: Count
    robots: Count
    unreadable: Count
    origins: list[_Origin]
    views: list[_View]
    scans: dict[str, Count] = {}


class _Counts(msgspec.Struct):
    """What a part of a day adds up to."""

    visits: int = 0
    page_views: int = 0
    bounces: int = 0


class AccessLog(Source):
    """The access logs of Apache, nginx and whatever else writes the Combined Log Format."""

    name = "access_log"
    title = _TITLE
    kind = "web"
    reference = Written(
        "a website's host name",
        r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)+",
        "www.client.example",
    )
    needs_connection = False
    counts_short_paths = True
    counts_landing_pages = True
    options: ClassVar[Mapping[str, Written]] = {
        "files": Written(
            "where the logs lie on the workers' machine, rotated copies included",
            r"(file://)?/[^\x00-\x1f\x7f]+",
            "/var/log/nginx/client/access.log*",
        ),
        "log_begins": Written("the day on which the log begins", r"20[0-9]{2}-[01][0-9]-[0-3][0-9]", "2026-11-02"),
    }
    required_options = ("files",)
    evidence = ("recording",)
    known_gaps = (
        "Robots that pose as browsers are counted as people.",
        "Feeds and interfaces whose addresses look like pages are counted as page views.",
        "Of Mastodon's servers only two are known as a social network.",
        "Formats other than Combined are not read.",
    )
    api_version = "Combined Log Format"
    streams = ("requests",)
    lookback_days = 3
    dictionary = load_dictionary(files(__package__) / "access_log.yaml")
    pool_slots = 2

    def fixed_calls(self, *, days: int) -> int:
        """None: it reads files."""
        return 0

    def base_url(self, target: Target) -> str:
        """The website itself, which is never asked."""
        return f"https://{target.ref}"

    def fetch(self, target: Target, window: Window, http: HttpClient) -> Iterator[RawPage]:
        """Read the files, and hand over each day of the window that the log holds in whole, without its addresses."""
        where = target.options["files"].removeprefix("file://")
        reading = _Reading(target, window)
        for path in _without_copies(_matching(where)):
            reading.read(path)
        for day in reading.days():
            body = msgspec.json.encode(day)
            if len(body) > LARGEST_BODY:
                raise BadAnswer(
                    f"{_TITLE} {where}: {day.day} has {len(day.views)} page views, more than this source is made for. "
                    "Count the visits of this website with an analytics."
                )
            yield RawPage(
                stream="requests",
                request=Request("READ", f"file://{where}", {"day": day.day.isoformat()}),
                status=200,
                headers={"content-type": "application/json"},
                fetched_at=http.now(),
                body=body,
            )

    def parse(self, target: Target, page: RawPage) -> Iterator[Row]:
        """Rows of one day."""
        day = decode(page, _Day, source=_TITLE)
        if any(origin >= len(day.origins) for _, _, origin in day.views):
            raise BadAnswer(f"{place(page, _TITLE)}: a page view has an origin that is not listed.")
        visits = _visits(day)
        totals = {
            "visits": len(visits),
            "unique_visitors": len({visitor for _, visitor, _ in day.views}),
            "page_views": len(day.views),
            "bounces": sum(visit.views == 1 for visit in visits),
            "visit_time": sum(visit.last - visit.first for visit in visits),
            "requests": day.requests,
        }
        parts: dict[Member, dict[str, int]] = {("total", ""): totals}
        for key, counts in _split(visits).items():
            parts[key] = msgspec.structs.asdict(counts)
        stamped = stamp(target, page)
        for (dimension, member), values in parts.items():
            yield from day_rows(stamped, "site", target.ref, day.day, day.zone, values, dimension, member)
        pages = landing_pages.pages_of(target)
        began = Counter((visit.origin.page, bool(visit.origin.campaign)) for visit in visits)
        for path, landed in landing_pages.counted(began, pages).items():
            yield from day_rows(stamped, "site", target.ref, day.day, day.zone, landed, "page", path)
        for path, scans in day.scans.items():
            yield from day_rows(stamped, "site", target.ref, day.day, day.zone, {"scans": scans}, "asset", path)


class _Visit(msgspec.Struct):
    first: int
    last: int
    views: int
    origin: _Origin


def _visits(day: _Day) -> list[_Visit]:
    visits: list[_Visit] = []
    running: dict[int, _Visit] = {}
    for second, visitor, origin in sorted(day.views, key=lambda view: view[0]):
        visit = running.get(visitor)
        if visit is None or second - visit.last >= _PAUSE:
            visits.append(visit := _Visit(first=second, last=second, views=0, origin=day.origins[origin]))
            running[visitor] = visit
        visit.last = second
        visit.views += 1
    return visits


def _split(visits: Sequence[_Visit]) -> dict[Member, _Counts]:
    """The visits by channel, network, campaign and touchpoint; the usual channels are there without visits, too."""
    parts: dict[Member, _Counts] = {("channel", word): _Counts() for word in USUAL_CHANNELS}
    for visit in visits:
        origin = visit.origin
        for key in tagged(origin.campaign, origin.source) if origin.campaign else referred(origin.referrer):
            counts = parts.setdefault(key, _Counts())
            counts.visits += 1
            counts.page_views += visit.views
            counts.bounces += visit.views == 1
    return parts


class _Gathered:
    """A day of the window while the log is read; the key by which its visitors are told apart goes with it."""

    def __init__(self, day: dt.date, zone: str, short_paths: Sequence[str], pages: Sequence[str]) -> None:
        after = day + dt.timedelta(days=1)
        self.day = day
        self.opens, self.ends = (int(Window(each, each).opens(zone).timestamp()) for each in (day, after))
        self.requests = self.robots = self.unreadable = 0
        self.views: list[_View] = []
        self.origins: dict[_Origin, int] = {}
        self._calls: dict[str, list[tuple[bytes, int]]] = {path: [] for path in short_paths}
        self._pages = pages
        self._visitors: dict[bytes, int] = {}
        self._key = secrets.token_bytes(32)

    def take(self, entry: "LogEntry", at: int, own_hosts: set[str]) -> None:
        """Count a request, and keep of it what a page view is made of."""
        self.requests += 1
        agent = entry.headers_in["User-Agent"] or ""
        if _is_robot(agent):
            self.robots += 1
            return
        got = _GET.fullmatch(entry.request_line or "")
        status = entry.final_status or 0
        if got and status in _REDIRECTS:
            path = got[1].partition("?")[0].rstrip("/").casefold()
            if path in self._calls:
                self._calls[path].append((self._visitor(entry), at))
            return
        if not got or not (200 <= status < 300 or status == _NOT_MODIFIED):  # noqa: PLR2004 - HTTP's successes
            return
        path, _, query = got[1].partition("?")
        if _FILE.fullmatch(path.rpartition("/")[2]):
            return
        host = _host(entry.headers_in["Referer"] or "")
        page = landing_pages.named(path, self._pages) or ""
        origin = _origin("" if host.removeprefix("www.") in own_hosts else host, query, page)
        self.views.append((
            at - self.opens,
            self._visitors.setdefault(self._visitor(entry), len(self._visitors)),
            self.origins.setdefault(origin, len(self.origins)),
        ))  # fmt: skip

    def _visitor(self, entry: "LogEntry") -> bytes:
        forwarded, agent = (entry.headers_in.get(name) or "" for name in ("X-Forwarded-For", "User-Agent"))
        who = "\n".join((entry.remote_host or "", forwarded, agent))
        return blake2b(who.encode(), key=self._key, digest_size=16).digest()

    @property
    def scans(self) -> dict[str, int]:
        """How often each short path was called, a chain of redirects once."""
        scans = dict.fromkeys(self._calls, 0)
        for path, calls in self._calls.items():
            # The files may stand in any order: a server may log http and https apart.
            latest: dict[bytes, int] = {}
            for visitor, at in sorted(calls, key=lambda call: call[1]):
                scans[path] += at - latest.get(visitor, at - _CHAIN) >= _CHAIN
                latest[visitor] = at
        return scans


class _Reading:
    """Reads the log line by line, and remembers of the window's days what is landed."""

    def __init__(self, target: Target, window: Window) -> None:
        days = window.days
        short_paths = target.options.get("short_paths", "").split()
        pages = landing_pages.pages_of(target)
        self._days = [_Gathered(day, target.time_zone, short_paths, pages) for day in days]
        self._opens = [day.opens for day in self._days]
        self._zone = target.time_zone
        self._label = target.label
        hosts = (target.ref, urlsplit(target.url or "").hostname or "")
        self._own_hosts = {host.lower().removeprefix("www.") for host in hosts}
        begins = target.options.get("log_begins")
        self._earliest = _midnight(begins, target) if begins else None
        self._latest = 0
        self._lines = _Lines()

    def read(self, path: Path) -> None:
        """Read one file.

        Raises:
            BadAnswer: Too many of its lines are not in the Combined format, or it is no file of text or gzip.
            Unauthorized: It may not be read.
            Unavailable: It was moved away or is being packed.
        """
        total = unreadable = 0
        example = ""
        day: _Gathered | None = None
        with _opened(path) as lines:
            for number, line in _numbered(lines):
                text = line.rstrip(b"\r\n")
                if not text:
                    continue
                total += 1
                at = _moment(text)
                if at is not None:
                    self._earliest = at if self._earliest is None else min(self._earliest, at)
                    self._latest = max(self._latest, at)
                    day = self._day_of(at)
                    if day is None:
                        continue
                    if entry := self._lines.read(text):
                        day.take(entry, at, self._own_hosts)
                        continue
                if not line.endswith(b"\n") and len(line) < _LONGEST_LINE:
                    continue  # the server is still writing it
                unreadable += 1
                example = example or f"line {number}: {_harmless(text)}"
                if day is not None:
                    day.unreadable += 1
        if unreadable > _TOLERATED + _TOLERATED_SHARE * total or (unreadable and unreadable == total):
            raise BadAnswer(
                f"{_TITLE} {path}: {unreadable} of {total} lines cannot be read, the first is {example}. Let the "
                "server write the Combined Log Format, or have `files` match nothing but its access logs."
            )
        if unreadable:
            log.warning("%s %s: %d of %d lines cannot be read; %s", self._label, path, unreadable, total, example)

    def days(self) -> Iterator[_Day]:
        """The days of the window that the log holds from their beginning on."""
        for day in self._days:
            if self._earliest is None or self._earliest > day.opens:
                if day.requests:
                    log.warning("%s: %s is left out, because the log begins within it.", self._label, day.day)
            elif day.requests or self._latest >= day.ends:
                yield _Day(
                    day=day.day,
                    zone=self._zone,
                    requests=day.requests,
                    robots=day.robots,
                    unreadable=day.unreadable,
                    origins=list(day.origins),
                    # The files may stand in any order.
                    views=sorted(day.views, key=lambda view: view[0]),
                    scans=day.scans,
                )

    def _day_of(self, at: int) -> _Gathered | None:
        index = bisect_right(self._opens, at) - 1
        return self._days[index] if index >= 0 and at < self._days[index].ends else None


def _midnight(day: str, target: Target) -> int:
    try:
        first = dt.date.fromisoformat(day)
    except ValueError:
        raise SourceError(
            f"{_TITLE} of client {target.client_id}: there is no day {day}; correct the option log_begins."
        ) from None
    return int(Window(first, first).opens(target.time_zone).timestamp())


def _matching(where: str) -> list[Path]:
    try:
        found = sorted(path for path in Path("/").glob(where.lstrip("/")) if path.is_file())
    except ValueError as error:
        raise NotFound(f"{_TITLE} {where}: this is no pattern of a path ({error}); correct the option files.") from None
    except PermissionError as error:
        raise _refused(where, error) from None
    if not found:
        raise NotFound(
            f"{_TITLE} {where}: no file matches on this worker, or the folder may not be listed. Correct the option "
            "files, or let the workers see the folder."
        )
    return found


def _without_copies(paths: Sequence[Path]) -> Iterator[Path]:
    """Leave out files that begin with the same line as a longer one, such as a file and its packed copy."""
    alike: defaultdict[bytes, list[Path]] = defaultdict(list)
    for path in paths:
        with _opened(path) as lines:
            first = lines.readline(_LONGEST_LINE)
        if first:
            alike[sha256(first).digest()].append(path)
    for copies in alike.values():
        longest = max(copies, key=_length) if len(copies) > 1 else copies[0]
        for path in copies:
            if path != longest:
                log.info("%s %s is taken for a copy of %s and left out.", _TITLE, path, longest)
        yield longest


def _length(path: Path) -> int:
    with _opened(path) as lines:
        return sum(map(len, iter(partial(lines.read, 2**20), b"")))


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes] | gzip.GzipFile]:
    """Open a file, packed or not.

    Raises:
        BadAnswer: What looks packed is damaged.
        Unauthorized: It may not be read.
        Unavailable: It was moved away or is being packed.
    """
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            if packed:
                with gzip.open(file, "rb") as unpacked:
                    yield unpacked
            else:
                yield file
    except PermissionError as error:
        raise _refused(str(path), error) from None
    except (FileNotFoundError, EOFError) as error:
        raise Unavailable(
            f"{_TITLE} {path}: the file was rotated while it was read ({type(error).__name__}). Clear the task."
        ) from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise BadAnswer(f"{_TITLE} {path}: the gzipped file is damaged ({error}); restore or remove it.") from None
    except OSError as error:
        raise Unavailable(f"{_TITLE} {path}: the file cannot be read ({error}). Clear the task.") from None


def _numbered(lines: IO[bytes] | gzip.GzipFile) -> Iterator[tuple[int, bytes]]:
    """The lines with their numbers, each cut to a length that no server exceeds."""
    number, goes_on = 0, False
    for piece in iter(partial(lines.readline, _LONGEST_LINE), b""):
        if not goes_on:
            number += 1
            yield number, piece
        goes_on = not piece.endswith(b"\n")


def _refused(where: str, error: OSError) -> Unauthorized:
    return Unauthorized(
        f"{_TITLE} {where}: the user of this worker may not read it ({error.strerror}). Let that user read the logs, "
        "on Debian by adding it to the group adm."
    )


def _moment(text: bytes) -> int | None:
    """When a line was written, in seconds since 1970; None if it does not say."""
    found = _STAMP.search(text)
    return _seconds(found[1].decode()) if found else None


@lru_cache(maxsize=4096)
def _seconds(written: str) -> int | None:
    from apachelogs import parse_apache_timestamp  # noqa: PLC0415 - needed by the workers only

    try:
        return int(parse_apache_timestamp(written).timestamp())
    except (ValueError, OverflowError):
        return None


class _Lines:
    """Reads lines of the Combined format, also if they are cut within the last field or have the forwarded address."""

    def __init__(self) -> None:
        from apachelogs import COMBINED, InvalidEntryError, LogParser  # noqa: PLC0415 - needed by the workers only

        forwarded = f'{COMBINED} "%{{X-Forwarded-For}}i"'
        self._parsers = [LogParser(shape) for shape in (COMBINED, forwarded)]
        # A day or an hour that does not exist is a plain ValueError.
        self._refusals = (InvalidEntryError, ValueError)

    def read(self, line: bytes) -> "LogEntry | None":
        """What a line says; None if it cannot be read."""
        # Servers that write other letters as they are differ from Apache, which escapes them like this.
        text = line.decode("ascii", errors="backslashreplace")
        for whole in (text, f'{text}"'):
            for parser in self._parsers:
                with suppress(*self._refusals):
                    entry = parser.parse(whole)
                    # Where the name of the server comes first, the address has moved into the second field.
                    return None if entry.remote_logname and _is_address(entry.remote_logname) else entry
        return None


@lru_cache(maxsize=4096)
def _is_robot(agent: str) -> bool:
    from crawleruseragents import (  # type: ignore[import-untyped]  # noqa: PLC0415 - needed by the workers only
        is_crawler,
    )

    # Every browser says what it is.
    return not agent or bool(is_crawler(agent))


@lru_cache(maxsize=4096)
def _host(referrer: str) -> str:
    """The host of a referrer; empty if there is none, and no address where it is one."""
    with suppress(ValueError):
        parts = urlsplit(referrer)
        if parts.scheme in {"http", "https", "android-app"}:
            return _without_addresses(parts.hostname or "")[:_LONGEST_HOST]
    return ""


def _origin(referrer: str, query: str, page: str) -> _Origin:
    if "utm_" not in query:
        return _Origin(referrer, page=page)
    named = {name: tag(_without_addresses(value)) for name, value in parse_qsl(query)}
    campaign, source = (named.get(name, "")[:_LONGEST_NAME] for name in ("utm_campaign", "utm_source"))
    return _Origin(referrer, campaign, source, page)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _harmless(line: bytes) -> str:
    """The beginning of a line for a message: printable, and without any address."""
    # The first word is the visitor's address or its name.
    said = line.decode("latin-1").partition(" ")[2]
    said = "".join(c if c.isprintable() else " " for c in said)
    return f"[address] {_without_addresses(said)}"[:_QUOTED]


def _without_addresses(text: str) -> str:
    return _RUN.sub(lambda found: _hidden(found[0]), text)


def _hidden(run: str) -> str:
    return "[address]" if _is_address(run) or _is_address(run.rstrip(".:")) else _IPV4.sub("[address]", run)


SOURCE = AccessLog()
