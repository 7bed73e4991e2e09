"""Tokens are exchanged before they die, where that can be kept, and the others are told of in time."""

import datetime as dt
import inspect
import json
import re
from typing import Any

import msgspec
import pytest
import requests

from harbour import Harbour
from widerview.pipeline.connections import Access, MissingConnection
from widerview.pipeline.tokens import DyingTokens, is_due, needs_a_person, renew, renew_dead, tokens
from widerview.sources.base import Source, Target, Tokens
from widerview.sources.errors import Unauthorized
from widerview.sources.http import HttpClient
from widerview.sources.registry import SOURCES

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


def test_a_token_without_end_or_refresh_token_lives_for_ever() -> None:
    harbour = Renewing()
    assert renew(harbour, [target("c")], door(None), lambda: Keeper("c"), NOW) == []
    assert harbour.asked == []
    (token,) = tokens([target("c")], door(None))
    assert needs_a_person(harbour, token, NOW, renews=True) == needs_a_person(harbour, token, NOW, renews=False) == []


def test_where_there_is_a_refresh_token_an_end_that_nobody_wrote_down_is_found_out_by_an_exchange() -> None:
    keeper, harbour = Keeper("c"), Renewing()
    assert renew(harbour, [target("c")], door(None, refresh_token="first"), lambda: keeper, NOW) == ["c"]
    assert keeper.written["c"][1]["expires_at"] == "2027-01-15T04:00:00+00:00"


def test_an_answer_that_does_not_say_how_long_is_followed_by_another_exchange() -> None:
    class Silent(Renewing):
        def renew(self, http: HttpClient) -> Tokens:
            return msgspec.structs.replace(super().renew(http), expires_at=None)

    keeper, harbour = Keeper("c"), Silent()
    renew(harbour, [target("c")], door(1, refresh_token="first"), lambda: keeper, NOW)
    password, extra = keeper.written["c"]
    access = Access(token=password, extra={k: v for k, v in extra.items() if k != "verify"}, written=json.dumps(extra))
    assert renew(harbour, [target("c")], lambda target: access, lambda: keeper, NOW) == ["c"]
    assert harbour.asked == ["first", "next"]


def test_a_token_of_unknown_end_that_cannot_be_exchanged_is_told_of() -> None:
    access = door(None, refresh_token="first")
    with pytest.raises(DyingTokens, match=r"nobody has written down when.*expires_at.*no Connection widerview_airflow"):
        renew(Renewing(), [target("c")], access, lambda: None, NOW)
    (token,) = tokens([target("c")], access)
    assert needs_a_person(Renewing(), token, NOW, renews=True) == [], "the next run exchanges it"
    (told,) = needs_a_person(Renewing(), token, NOW, renews=False)
    assert "meadow anna (Connection c)" in told
    assert "widerview_airflow" in told


@pytest.mark.parametrize("name", ["linkedin", "pinterest", "tiktok", "x"])
def test_who_writes_into_the_extra_what_the_page_asks_for_has_the_token_renewed(name: str) -> None:
    page = " ".join((inspect.getdoc(inspect.getmodule(type(SOURCES[name]))) or "").split())
    assert re.search(r"`expires_at`[^.]* may be left out", page)
    asked_for = set(re.findall(r"\b(?:refresh_token|client_id|client_key|client_secret)\b", page))
    assert "refresh_token" in asked_for
    (token,) = tokens([target("c")], door(None, **dict.fromkeys(asked_for, "some")))
    assert is_due(SOURCES[name], token, NOW)


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


def told(source: Renewing, *, renews: bool, now: dt.datetime = NOW, **extra: str) -> list[str]:
    (token,) = tokens([target("c")], door(None, **extra))
    return needs_a_person(source, token, now, renews=renews)


@pytest.mark.parametrize("days", [0.1, 8])
def test_what_software_renews_needs_nobody_while_it_is_exchanged_in_time(days: float) -> None:
    end = (NOW + dt.timedelta(days=days)).isoformat()
    assert told(Renewing(), renews=True, expires_at=(NOW + dt.timedelta(days=6.5)).isoformat()) == []
    (said,) = told(Renewing(), renews=False, expires_at=end)
    assert "dies on" in said


@pytest.mark.parametrize(("lives", "end", "is_told"), [
    (dt.timedelta(hours=2), -dt.timedelta(hours=22), False), (dt.timedelta(hours=2), -dt.timedelta(days=3), True),
    (dt.timedelta(days=15), dt.timedelta(days=13), True), (dt.timedelta(days=15), -dt.timedelta(days=3), True),
])  # fmt: skip
def test_what_software_should_have_renewed_and_has_not_is_told_of(
    lives: dt.timedelta, end: dt.timedelta, is_told: bool
) -> None:
    harbour = Renewing()
    harbour.renews_before = lives  # type: ignore[misc]
    found = told(harbour, renews=True, expires_at=(NOW + end).isoformat())
    assert len(found) == is_told
    for line in found:
        assert "should have been exchanged" in line
        assert harbour.renewal_page in line


@pytest.mark.parametrize("source", [each for each in SOURCES.values() if each.renewal_page], ids=lambda each: each.name)
@pytest.mark.parametrize("renews", [True, False])
def test_a_token_that_is_dead_for_three_days_is_told_of_whatever_the_source(source: Source, renews: bool) -> None:
    (token,) = tokens([target("c")], door(-3))
    (said,) = needs_a_person(source, token, NOW, renews=renews)
    assert f"{source.title} token of meadow anna (Connection c) died on 2026-11-13" in said
    assert source.renewal_page in said


def test_a_refresh_token_that_dies_is_told_of() -> None:
    alive = (NOW + dt.timedelta(days=30)).isoformat()
    assert told(Renewing(), renews=True, expires_at=alive, refresh_expires_at="2027-06-01") == []
    (said,) = told(Renewing(), renews=True, expires_at=alive, refresh_expires_at="2026-11-20")
    assert "its refresh token dies on 2026-11-20" in said
    with pytest.raises(DyingTokens, match="its refresh token dies on 2026-11-20"):
        renew(Renewing(), [target("c")], door(30, refresh_expires_at="2026-11-20"), lambda: Keeper("c"), NOW)


@pytest.mark.parametrize("name", ["expires_at", "refresh_expires_at"])
@pytest.mark.parametrize(
    "written", ["31.12.2026", "12/31/2026", "31122026", "soon", "9" * 40, "0001-01-01T00:00+14:00"]
)
def test_an_end_that_nobody_can_read_is_told_of_with_the_way_to_write_it(name: str, written: str) -> None:
    how = rf"\(Connection c\).*`{name}`.*cannot be read. Write it like 2026-12-31 or"
    (said,) = told(Renewing(), renews=True, **{name: written})
    assert re.search(how, said)
    with pytest.raises(DyingTokens, match=how):
        renew(Renewing(), [target("c")], door(None, **{name: written}), lambda: Keeper("c"), NOW)


def test_a_pull_that_begins_hours_later_exchanges_what_has_died_since_and_nothing_else() -> None:
    keeper, harbour = Keeper("c"), Renewing()
    harbour.renews_before = dt.timedelta(hours=2)  # type: ignore[misc]
    for hours, due in ((1.5, []), (0.1, ["c"]), (-5, ["c"])):
        assert renew_dead(harbour, [target("c")], door(hours / 24, refresh_token="r"), lambda: keeper, NOW) == due
    harbour.refused = "the app was removed"
    assert renew_dead(harbour, [target("c")], door(-1), lambda: keeper, NOW) == [], "the pull says what is wrong"
    assert renew_dead(Harbour(), [target("c")], door(-1), lambda: keeper, NOW) == []


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
        ("20261201", dt.datetime(2026, 12, 1, tzinfo=dt.UTC)),
        ("", None),
    ],
)
def test_the_end_may_be_written_as_a_day_a_moment_or_an_epoch(written: str, expected: dt.datetime | None) -> None:
    (token,) = tokens([target("c")], lambda target: Access(extra={"expires_at": written}))
    assert token.expires_at == expected
