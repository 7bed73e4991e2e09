"""Tokens are exchanged before they die, where that can be kept, and the others are told of in time."""

import datetime as dt
import json
from typing import Any

import pytest
import requests

from harbour import Harbour
from widerview.pipeline.connections import Access, MissingConnection
from widerview.pipeline.tokens import DyingTokens, needs_a_person_at, renew, tokens
from widerview.sources.base import Target, Tokens
from widerview.sources.errors import Unauthorized
from widerview.sources.http import HttpClient

NOW = dt.datetime(2026, 11, 16, 4, tzinfo=dt.UTC)
SECRET = "canary-5d0c7be1"


class Renewing(Harbour):
    """Its tokens live for 60 days and can be exchanged in their last seven."""

    renewal_page = "https://harbour.example/tokens"
    renews_before = dt.timedelta(days=7)

    def __init__(self) -> None:
        self.refused: str | None = None
        self.asked: list[str | None] = []

    def renew(self, http: HttpClient) -> Tokens:
        self.asked.append(http.extra.get("refresh_token"))
        if self.refused:
            raise Unauthorized(self.refused)
        return Tokens(token=SECRET, expires_at=NOW + dt.timedelta(days=60), refresh_token="next")


class Keeper:
    """Keeps the Connections whose names are given; `written` is what came back."""

    def __init__(self, *names: str) -> None:
        self.names = names
        self.down = 0
        self.forbidden = False
        self.written: dict[str, tuple[str, dict[str, Any]]] = {}

    def has_connection(self, connection_id: str) -> bool:
        return connection_id in self.names

    def write_connection(self, connection_id: str, *, password: str, extra: str) -> None:
        if password == SECRET and self.down:
            self.down -= 1
            raise requests.ConnectionError("Airflow is away")
        if self.forbidden:
            raise requests.HTTPError("403")
        self.written[connection_id] = password, json.loads(extra)


def target(connection: str | None, ref: str = "anna") -> Target:
    return Target(client_id="meadow", source="harbour", ref=ref, time_zone="UTC", connection=connection)


def door(days: float | None, **extra: str):
    """A Connection whose token dies in so many days; None: nobody knows."""
    if days is not None:
        extra["expires_at"] = (NOW + dt.timedelta(days=days)).isoformat()
    return lambda target: Access(token="old", extra=extra, written=json.dumps({**extra, "verify": True}))


def test_a_token_that_is_due_is_exchanged_and_written_back_with_all_else_in_the_extra() -> None:
    keeper, harbour = Keeper("harbour_meadow"), Renewing()
    access = door(6, refresh_token="first", client_id="app")
    assert renew(harbour, [target("harbour_meadow")], access, lambda: keeper, NOW) == ["harbour_meadow"]
    password, extra = keeper.written["harbour_meadow"]
    assert password == SECRET
    assert extra == {
        "expires_at": "2027-01-15T04:00:00+00:00", "refresh_token": "next", "client_id": "app", "verify": True,
    }  # fmt: skip
    assert harbour.asked == ["first"]


@pytest.mark.parametrize("days", [7.5, 30])
def test_a_token_that_is_not_due_is_left_alone_and_no_alarm(days: float) -> None:
    harbour = Renewing()
    assert renew(harbour, [target("c")], door(days), lambda: Keeper("c"), NOW) == []
    assert harbour.asked == []


def test_a_token_whose_end_is_not_written_down_is_one_without_end() -> None:
    harbour = Renewing()
    assert renew(harbour, [target("c")], door(None), lambda: Keeper("c"), NOW) == []
    assert harbour.asked == []


def test_nothing_is_opened_as_long_as_nothing_is_due() -> None:
    def keeper() -> Keeper:
        pytest.fail("Airflow's API is asked for nothing")

    assert renew(Renewing(), [target("c")], door(30), keeper, NOW) == []


def test_who_may_not_write_the_connection_exchanges_nothing() -> None:
    keeper, harbour = Keeper("c"), Renewing()
    keeper.forbidden = True
    with pytest.raises(DyingTokens, match="does not write Connections for widerview_airflow"):
        renew(harbour, [target("c")], door(2), lambda: keeper, NOW)
    assert harbour.asked == [], "the old token may end with the exchange"


def test_a_new_token_is_written_again_and_again_until_airflow_takes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tenacity.nap.time.sleep", lambda seconds: None)
    keeper = Keeper("c")
    keeper.down = 4
    assert renew(Renewing(), [target("c")], door(2), lambda: keeper, NOW) == ["c"]
    assert keeper.written["c"][0] == SECRET
    keeper.down = 99
    with pytest.raises(DyingTokens, match="THE NEW TOKEN IS LOST"):
        renew(Renewing(), [target("c")], door(2), lambda: keeper, NOW)


def test_what_software_renews_needs_a_person_only_when_the_means_of_renewal_dies() -> None:
    (token,) = tokens([target("c")], door(0.1, refresh_expires_at="2027-06-01"))
    assert needs_a_person_at(Renewing(), token, renews=True) == dt.datetime(2027, 6, 1, tzinfo=dt.UTC)
    assert needs_a_person_at(Renewing(), token, renews=False) == token.expires_at


def test_accounts_that_share_a_connection_share_its_token() -> None:
    harbour = Renewing()
    renew(harbour, [target("c"), target("c", "berta")], door(1), lambda: Keeper("c"), NOW)
    assert len(harbour.asked) == 1


@pytest.mark.parametrize(
    ("keeper", "why"),
    [(None, "no Connection widerview_airflow"), (Keeper("another"), "not kept by Airflow itself")],
)
def test_nothing_is_exchanged_that_could_not_be_written_back(keeper: Keeper | None, why: str) -> None:
    harbour = Renewing()
    with pytest.raises(DyingTokens, match=why):
        renew(harbour, [target("c")], door(2), lambda: keeper, NOW)
    assert harbour.asked == [], "the old token may end with the exchange"


def test_a_platform_that_refuses_is_told_of_with_its_reason_and_costs_no_other_token() -> None:
    keeper, harbour = Keeper("a", "b"), Renewing()
    harbour.refused = "the app was removed"
    with pytest.raises(DyingTokens) as caught:
        renew(harbour, [target("a"), target("b")], door(2), lambda: keeper, NOW)
    assert str(caught.value).count("the app was removed") == 2
    assert "meadow anna (Connection a)" in str(caught.value)
    assert {password for password, _ in keeper.written.values()} == {"old"}, "the Connection is as it was"


def test_a_dead_token_of_a_platform_without_exchange_is_told_of() -> None:
    harbour = Renewing()
    harbour.renews_before = None  # type: ignore[misc]
    where = r"died on 2026-11-15 04:00 UTC. Renew it at https://harbour\.example/tokens"
    with pytest.raises(DyingTokens, match=where):
        renew(harbour, [target("c")], door(-1), lambda: Keeper("c"), NOW)
    assert harbour.asked == []


def test_a_connection_that_is_missing_or_not_needed_is_left_out() -> None:
    def access(target: Target) -> Access:
        raise MissingConnection("no such connection")

    assert tokens([target("gone")], access) == []
    assert tokens([target(None)], door(1)) == []


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2026-12-01", dt.datetime(2026, 12, 1, tzinfo=dt.UTC)),
        ("2026-12-01T10:00:00+02:00", dt.datetime(2026, 12, 1, 8, tzinfo=dt.UTC)),
        ("1796083200", dt.datetime(2026, 12, 1, tzinfo=dt.UTC)),
        ("soon", None),
        ("9" * 40, None),
        ("", None),
    ],
)
def test_the_end_may_be_written_as_a_day_a_moment_or_an_epoch(written: str, expected: dt.datetime | None) -> None:
    (token,) = tokens([target("c")], lambda target: Access(extra={"expires_at": written}))
    assert token.expires_at == expected
