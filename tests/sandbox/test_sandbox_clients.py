"""The sample clients are valid, fit the sandbox they are played by, and are never overwritten."""

import datetime as dt
from pathlib import Path

import pytest
import yaml

from widerview.agency.models import Client
from widerview.agency.theme import load_theme
from widerview.sandbox.clients import write_clients
from widerview.sandbox.model import CAMPAIGN, Simulation

ANCHOR = dt.date(2026, 11, 16)


@pytest.fixture
def clients(tmp_path: Path) -> dict[str, Client]:
    paths = write_clients(tmp_path / "clients", ANCHOR)
    return {path.stem: Client.model_validate(yaml.safe_load(path.read_text(encoding="utf-8"))) for path in paths}


def test_they_are_those_of_the_sandbox(clients: dict[str, Client], model: Simulation) -> None:
    assert clients.keys() == {profile.key for profile in model.profiles}
    for profile in model.profiles:
        client = clients[profile.key]
        assert (client.client, client.name, client.zone) == (profile.key, profile.name, profile.zone)
        sites = [(web.site_id, web.url) for web in client.web if web.platform == "matomo"]
        assert sites == [(str(profile.site_id), profile.url)]
        people = [account.person for account in profile.accounts]
        handles = {(account.platform, account.handle.removeprefix("@")) for account in client.accounts}
        assert handles == {(person.platform, person.handle.removeprefix("@")) for person in people}


def test_the_campaign_runs_when_the_sandbox_says(clients: dict[str, Client], model: Simulation) -> None:
    (campaign,) = clients["hollow-oak-bakery"].campaigns
    assert campaign.key == CAMPAIGN.key
    for day in (campaign.starts, campaign.ends):
        assert CAMPAIGN.added_visits((day - ANCHOR).days)
    assert not CAMPAIGN.added_visits((campaign.starts - ANCHOR).days - 1)
    assert not CAMPAIGN.added_visits((campaign.ends - ANCHOR).days + 1)
    keywords = model.truth("hollow-oak-bakery", ANCHOR - dt.timedelta(days=7)).campaigns[CAMPAIGN.key]
    assert {asset.tag for asset in campaign.assets if asset.tag} <= keywords.keys()


def test_nobody_real_is_written_to(clients: dict[str, Client]) -> None:
    for client in clients.values():
        assert client.reviewers == ("reviewer",)
        addresses = [client.sender.email, *(recipient.email for recipient in client.recipients)]
        assert all(address.endswith(".example") for address in addresses)
        assert {hours.opens + hours.closes for hours in client.office_hours.values()} == {"00:0024:00"}
        assert len(client.office_hours) == 7


def test_their_mails_look_differently(clients: dict[str, Client], tmp_path: Path) -> None:
    looks = [load_theme(tmp_path / "clients", client) for client in clients.values()]
    assert len({look.light.accent for look in looks}) == len({look.logo and look.logo.png for look in looks}) == 3


def test_a_file_that_is_there_is_left_alone(tmp_path: Path) -> None:
    (first, *_) = write_clients(tmp_path, ANCHOR)
    first.write_text("mine", encoding="utf-8")
    assert write_clients(tmp_path, ANCHOR)[0] == first
    assert first.read_text(encoding="utf-8") == "mine"
    assert "fictional sample" in (tmp_path / "lantern-lane.yaml").read_text(encoding="utf-8")
