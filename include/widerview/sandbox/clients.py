"""The client files of the sandbox's three fictional firms, for the demo."""

import datetime as dt
from pathlib import Path

from widerview.sandbox import MATOMO_TOKEN
from widerview.sandbox.model import CAMPAIGN

__all__ = ["MATOMO_TOKEN", "write_clients"]

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
  weekday: tuesday
  time: "09:00"
reviewers: [reviewer]

sender:
  name: Priya Nair
  email: priya@lanternlane.example
  agency: Lantern Lane
  postal_address: 7 Lantern Lane, London E0 0LL, United Kingdom
"""

_BAKERY = """\
recipients:
  - name: Marta Eich
    email: marta@hollowoak.example

# The connections lead to the sandbox; a real Bluesky or Mastodon account needs none.
accounts:
  - platform: bluesky
    handle: hollowoak.example
    connection: sandbox_bluesky
  - platform: mastodon
    handle: "@hollowoak@social.example"
    connection: sandbox_mastodon
web:
  - platform: matomo
    site_id: 1
    url: https://hollowoak.example
    connection: sandbox_matomo

# In every link: utm_campaign is the key, utm_source the touchpoint, and utm_term the touchpoint again,
# because Matomo without plugins reads only the campaign and the term.
campaigns:
  - key: {key}
    name: {name}
    goal: Sell the Winter Loaf and bring new people into the shop
    starts: {starts}
    ends: {ends}
    hashtags: ["#WinterLoaf"]
    assets:
      - kind: poster
        name: Market hall poster with QR code
        placement: Market hall, by the fountain
        utm_source: poster-market
        starts: {poster}
        cost: 180
      - kind: newsletter
        name: Winter Loaf newsletter
        utm_source: newsletter
      - kind: event
        name: Bake-along
        placement: Live from the kitchen, and online
        utm_source: bake-along
        starts: {event}
        ends: {event}
        cost: 240
"""

_BIKES = """\
recipients:
  - name: Aoife Brennan
    email: aoife@tidewater.example

# The connections lead to the sandbox; a real Bluesky or Mastodon account needs none.
accounts:
  - platform: bluesky
    handle: tidewater.example
    connection: sandbox_bluesky
  - platform: mastodon
    handle: "@tidewater@social.example"
    connection: sandbox_mastodon
web:
  - platform: matomo
    site_id: 2
    url: https://tidewater.example
    connection: sandbox_matomo
"""

_AGENCY = """\
recipients:
  - name: Priya Nair
    email: priya@lanternlane.example

# The agency's own profile, a little neglected. The connections lead to the sandbox.
accounts:
  - platform: bluesky
    handle: lanternlane.example
    connection: sandbox_bluesky
web:
  - platform: matomo
    site_id: 3
    url: https://lanternlane.example
    connection: sandbox_matomo
"""

_SAMPLES = (
    ("hollow-oak-bakery", "Hollow Oak Bakery", "Europe/Berlin", "EUR", _BAKERY),
    ("tidewater-cycles", "Tidewater Cycles", "Europe/Dublin", "EUR", _BIKES),
    ("lantern-lane", "Lantern Lane", "Europe/London", "GBP", _AGENCY),
)


def write_clients(folder: Path, anchor: dt.date) -> list[Path]:
    """Write the three sample client files and return their paths; a file that is there already is left as it is.

    Args:
        folder: Where to write; made if it is missing.
        anchor: The sandbox's anchor, a Monday; the campaign's dates are told from it.
    """
    folder.mkdir(parents=True, exist_ok=True)

    def day(offset: int) -> str:
        return (anchor + dt.timedelta(days=offset)).isoformat()

    campaign = {
        "key": CAMPAIGN.key,
        "name": CAMPAIGN.name,
        "starts": day(CAMPAIGN.first_offset),
        "ends": day(CAMPAIGN.last_offset),
        "poster": day(-11),
        "event": day(CAMPAIGN.event_offset),
    }
    paths = []
    for key, name, zone, currency, rest in _SAMPLES:
        path = folder / f"{key}.yaml"
        if not path.exists():
            head = _HEAD.format(key=key, name=name, zone=zone, currency=currency)
            path.write_text(f"{head}{rest.format(**campaign)}", encoding="utf-8")
        paths.append(path)
    return paths
