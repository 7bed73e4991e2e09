"""The client files of the sandbox's three fictional firms, for the demo."""

import datetime as dt
import json
from collections.abc import Callable, Mapping
from importlib import resources
from pathlib import Path
from urllib.parse import urlsplit

from widerview.sandbox import ga4, plausible, search_console, umami
from widerview.sandbox.access_log import write_logs
from widerview.sandbox.cast import CAMPAIGN, EVERYDAY, PROFILES, Person, Profile
from widerview.sandbox.drop_folder import FOLDER, write_files
from widerview.sandbox.faults import Faults
from widerview.sandbox.model import Simulation

_BESIDE: Mapping[str, tuple[str, Callable[[Profile], str]]] = {
    "ga4": ("hollow-oak-bakery", ga4.property_id),
    "search_console": ("hollow-oak-bakery", lambda profile: search_console.properties(profile)[0]),
    "umami": ("tidewater-cycles", umami.website_id),
    "plausible": ("lantern-lane", plausible.site_id),
}
"""What measures a website beside Matomo: whose, and what the site is called there."""

_HAS_LOGS = "tidewater-cycles"
"""Whose web server's log can be read."""

_DROPS = "hollow-oak-bakery"
"""Who counts things in the shop, and puts the tables into a folder."""

_HEAD = """\
# {name} is a fictional sample: the firm, its people and its numbers are made up, and every address ends in .example.
# Its platforms are played by the sandbox (docs/sandbox.md). Write your own clients the same way.
client: {key}
name: {name}
time_zone: {zone}
locale: en_GB
currency: {currency}

# A real client has office hours, and nothing is sent outside them. This sample is open day and night,
# so that a demo started at any hour ends with a mail.
office_hours:
  monday: {{opens: "00:00", closes: "24:00"}}
  tuesday: {{opens: "00:00", closes: "24:00"}}
  wednesday: {{opens: "00:00", closes: "24:00"}}
  thursday: {{opens: "00:00", closes: "24:00"}}
  friday: {{opens: "00:00", closes: "24:00"}}
  saturday: {{opens: "00:00", closes: "24:00"}}
  sunday: {{opens: "00:00", closes: "24:00"}}

report:
  weekday: wednesday
  time: "09:00"
reviewers: [reviewer]

sender:
  name: Priya Nair
  email: priya@lanternlane.example
  agency: Lantern Lane
  postal_address: 7 Lantern Lane, London E0 0LL, United Kingdom

# How its mail looks: colours, fonts, logo and signature (docs/themes.md).
theme: themes/{key}.yaml
"""

_RECIPIENTS = """\
recipients:
  - name: {name}
    email: {email}

# The connections lead to the sandbox. A real Bluesky or Mastodon account needs none; docs/sources.md tells what the
# connections of the other platforms hold.
"""

_CAMPAIGN = """\
# In every link: utm_campaign is the key, utm_source the touchpoint, and utm_term the touchpoint again,
# because Matomo without plugins reads only the campaign and the term.
campaigns:
  - key: {key}
    name: {name}
    goal: Sell the Winter Loaf and bring new people into the shop
    audience: People who live or shop around the market hall
    starts: {starts}
    ends: {ends}
    landing_page: {url}/winter-loaf
    hashtags: ["#WinterLoaf"]
    assets:
      - kind: poster
        name: Market hall poster with QR code
        placement: Market hall, by the fountain
        utm_source: poster-market
        path: /market
        starts: {poster}
        cost: 180
      - kind: newsletter
        name: Winter Loaf newsletter
        utm_source: newsletter
      - kind: promo_code
        name: A roll on top of every loaf
        placement: In the newsletter
        code: LOAF10
      - kind: event
        name: Bake-along
        placement: Live from the kitchen, and online
        utm_source: bake-along
        landing_page: {url}/bake-along
        starts: {event}
        ends: {event}
        cost: 240

timeline:
  - day: {timeline}
    what: Flour delivery came late
    kind: other
"""

_SAMPLES = (
    ("hollow-oak-bakery", "Marta Eich", "marta@hollowoak.example"),
    ("tidewater-cycles", "Aoife Brennan", "aoife@tidewater.example"),
    ("lantern-lane", "Priya Nair", "priya@lanternlane.example"),
)


def write_clients(folder: Path, anchor: dt.date, logs: Path | None = None, drops: Path | None = None) -> list[Path]:
    """Write the three sample client files and return their paths; a file that is there already is left as it is.

    Args:
        folder: Where to write; made if it is missing.
        anchor: The sandbox's anchor, a Monday; the campaign's dates are told from it.
        logs: Where the web servers' access logs lie, a folder a client; None: `access_logs` beside `folder`.
        drops: Where the drop folders lie, one a client; None: `drop_folders` beside `folder`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    logs = logs or folder.parent / "access_logs"
    drops = drops or folder.parent / "drop_folders"

    def day(offset: int) -> str:
        return (anchor + dt.timedelta(days=offset)).isoformat()

    campaign = {
        "key": CAMPAIGN.key,
        "name": CAMPAIGN.name,
        "starts": day(CAMPAIGN.first_offset),
        "ends": day(CAMPAIGN.last_offset),
        "poster": day(CAMPAIGN.poster_offset),
        "event": day(CAMPAIGN.event_offset),
        "timeline": day(-18),
    }
    profiles = {profile.key: profile for profile in PROFILES}
    paths = []
    for key, recipient, email in _SAMPLES:
        path, profile = folder / f"{key}.yaml", profiles[key]
        if not path.exists():
            parts = [
                _HEAD.format(key=key, name=profile.name, zone=profile.zone.key, currency=profile.currency),
                _RECIPIENTS.format(name=recipient, email=email),
                "accounts:\n",
                *(_account(account.person) for account in profile.accounts),
                _web(profile, logs / key),
                _offline(drops / key) if key == _DROPS else "",
                f"\n# The utm_campaign of links in posts without a campaign.\neveryday: {EVERYDAY}\n",
                "\n" + _CAMPAIGN.format(**campaign, url=profile.url) if profile.campaign else "",
            ]
            path.write_text("".join(parts), encoding="utf-8")
        paths.append(path)
    _write_themes(folder / "themes")
    return paths


def _write_themes(folder: Path) -> None:
    """Write how the samples' mails look, each with its logo; a file that is there already is left as it is."""
    folder.mkdir(exist_ok=True)
    for drawn in resources.files("widerview.sandbox").joinpath("themes").iterdir():
        if not (path := folder / drawn.name).exists():
            path.write_bytes(drawn.read_bytes())


def write_access_logs(
    model: Simulation, folder: Path, first: dt.date, now: dt.datetime, faults: Faults | None = None
) -> None:
    """Write what the web servers of the sample clients have logged by `now`, where their files say it lies.

    Args:
        model: The agency.
        folder: Where all of it lies; `logs` of `write_clients`.
        first: The first day.
        now: The present moment.
        faults: What spoils the logs.
    """
    last = now.astimezone(model.profile(_HAS_LOGS).zone).date()
    write_logs(model, _HAS_LOGS, folder / _HAS_LOGS, first=first, last=last, now=now, faults=faults)


def write_drop_files(model: Simulation, folder: Path, now: dt.datetime) -> None:
    """Write what the people at the sample clients have saved by `now` into their drop folders.

    Args:
        model: The agency.
        folder: Where all of it lies; `drops` of `write_clients`.
        now: The present moment.
    """
    write_files(model, _DROPS, folder / _DROPS, now=now)


def _offline(folder: Path) -> str:
    entry = _entry("drop_folder", "name", FOLDER, f"options: {{folder: {json.dumps(str(folder))}}}", connection=False)
    return f"\n# What the shop counts itself: tables in a folder.\noffline:\n{entry}"


def _entry(platform: str, key: str, ref: str, *more: str, connection: bool = True) -> str:
    """An account or site of a client file; `more` are further lines."""
    lines = [f"platform: {platform}", f"{key}: {json.dumps(ref) if ref[0] in '@0123456789' or ':' in ref else ref}"]
    lines += [*more, f"connection: sandbox_{platform}"] if connection else more
    return "  - " + "\n    ".join(lines) + "\n"


def _account(person: Person) -> str:
    options = ["options: {api: business}"] if person.platform == "tiktok" else []  # the one that tells of comments
    return _entry(person.platform, "handle", _handle(person), *options)


def _handle(person: Person) -> str:
    """What the platform's source wants in the file: Mastodon's begin with @."""
    return f"@{person.handle}" if person.platform == "mastodon" else person.handle


def _web(profile: Profile, logs: Path) -> str:
    """The website and all that measures it. Of several that count visits, the first is the one the report tells."""
    url = f"url: {profile.url}"
    parts = [_entry("matomo", "site_id", str(profile.site_id), url)]
    for platform, (client, site_id) in _BESIDE.items():
        if profile.key == client:
            money = [f"options: {{currency: {profile.currency}}}"] if platform == "ga4" else []
            parts.append(_entry(platform, "site_id", site_id(profile), url, *money))
    if profile.key == _HAS_LOGS:
        files = f"options: {{files: {json.dumps(f'{logs}/access.log*')}}}"
        parts.append(_entry("access_log", "site_id", str(urlsplit(profile.url).hostname), url, files, connection=False))
    why = "# One website, measured more than once: the first that counts visits is the report's."
    return f"\n{why}\nweb:\n{''.join(parts)}"
