"""The demo with real public accounts: Bluesky's public AppView and any Mastodon server need no key."""

from pathlib import Path

import requests
import yaml
from pydantic import ValidationError

from widerview.agency.models import Account
from widerview.sources.base import Target
from widerview.sources.registry import SOURCES

CLIENT = "live"


class NotAnAccount(ValueError):
    """What was given is no handle of Bluesky or Mastodon."""


class NoNetwork(RuntimeError):
    """The server of an account cannot be reached."""


def account(handle: str) -> Account:
    """Tell from a handle which platform it is of.

    Raises:
        NotAnAccount: It is neither `name.example` nor `@name@server.example`.
    """
    try:
        return Account(platform="mastodon" if handle.startswith("@") else "bluesky", handle=handle)
    except ValidationError as error:
        raise NotAnAccount(
            f"{handle!r} is not an account. Write Bluesky ones like bsky.app, "
            "Mastodon ones like @Mastodon@mastodon.social."
        ) from error


def require_network(accounts: list[Account]) -> None:
    """Make sure that every account's server can be reached, before anything is started for it.

    Raises:
        NoNetwork: One cannot.
    """
    for each in accounts:
        target = Target(client_id=CLIENT, source=each.platform, ref=each.handle, time_zone="UTC")
        server = SOURCES[each.platform].base_url(target)
        try:
            requests.head(server, timeout=15)
        except requests.RequestException as error:
            raise NoNetwork(
                f"{server}, the server of {each.handle}, cannot be reached ({type(error).__name__}). Check the "
                "handle and the network. `make demo` without LIVE needs no network."
            ) from error


def write_client(folder: Path, accounts: list[Account]) -> Path:
    """Write the one client file of a live demo: real accounts, a fictional agency, a mail that stays here."""
    always = {"opens": "00:00", "closes": "24:00"}
    days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
    client = {
        "client": CLIENT,
        "name": "Live demo",
        "time_zone": "UTC",
        "office_hours": {day: dict(always) for day in days},
        "reviewers": ["reviewer"],
        "sender": {
            "name": "Widerview demo",
            "email": "demo@agency.example",
            "agency": "Demo Agency",
            "postal_address": "1 Example Street, Exampletown",
        },
        "recipients": [{"name": "You", "email": "you@inbox.example"}],
        "accounts": [each.model_dump(exclude_none=True) for each in accounts],
    }
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{CLIENT}.yaml"
    head = "# Real public accounts, read over the internet. The agency and the recipient are fictional.\n"
    file.write_text(head + yaml.safe_dump(client, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return file
