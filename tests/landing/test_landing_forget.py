"""Landing lets go of a client, or of what is old, and of nothing that others need."""

import datetime as dt
import os
import re
import uuid
from pathlib import Path

import pytest

from widerview.landing.store import Answers, Corrupt, Landing, Missing, Pull, open_landing, record
from widerview.sources.base import RawPage, Request, Target, Window
from widerview.sources.http import HttpClient

NOW = dt.datetime(2026, 11, 22, 3, 0, tzinfo=dt.UTC)
DAYS = Window(dt.date(2026, 11, 9), dt.date(2026, 11, 15))
HTTP = HttpClient(base_url="https://social.example", budget=1)


def page(body: bytes) -> RawPage:
    return RawPage(
        stream="posts", request=Request("GET", "https://social.example/x", {}), status=200, headers={}, fetched_at=NOW,
        body=body,
    )  # fmt: skip


class Scripted:
    name = "mastodon"

    def __init__(self, bodies):
        self.bodies = bodies

    def fetch(self, target, window, http):
        return map(page, self.bodies)


def pull(landing: Landing, client: str, *bodies: bytes, began: dt.datetime = NOW, ref: str = "") -> tuple[str, Pull]:
    target = Target(client_id=client, source="mastodon", ref=ref or f"@{client}@social.example", time_zone="UTC")
    name, made = record(landing, Scripted(bodies), target, DAYS, f"run-{began:%Y%m%d}", HTTP, lambda: began)
    landing.write_document(f"checks/{name}", client.encode())
    return name, made


def pack(landing: Landing, body: bytes) -> str:
    answers = Answers()
    answers.add(page(body))
    name = landing.write_pack(answers)
    assert name
    return name


def files(root: Path) -> set[str]:
    return {path.relative_to(root).as_posix() for path in root.rglob("*")}


@pytest.fixture(params=["folder", "object store"])
def landing(request: pytest.FixtureRequest, tmp_path: Path) -> Landing:
    if request.param == "folder":
        return Landing(tmp_path)
    request.getfixturevalue("airflow_home")
    return open_landing(f"memory://{uuid.uuid4().hex}/landing")


def test_a_client_goes_with_all_that_is_its_own(landing: Landing) -> None:
    _, kept = pull(landing, "meadow", b"[]", b"of both")
    pull(landing, "harbour", b"[]", b"of both")
    pull(landing, "harbour", b"[]", b"of harbour", ref="another")
    pull(landing, "harbour", b"of harbour, later", began=NOW + dt.timedelta(days=1))
    pull(landing, "harbour-cafe", b"of the other harbour")
    named = re.compile(rb"/harbour(?![a-z-])|^harbour$")
    assert len(landing.search(named)) >= 4
    removed = landing.forget("harbour")
    assert (removed.pulls, removed.documents, len(removed.packs), removed.shared) == (3, 3, 2, 1)
    assert landing.search(named) == []
    assert not any(map(landing.holds, removed.packs))
    assert [found.body for found in landing.pages(kept)] == [b"[]", b"of both"]
    assert {made.target.client_id for _, made in landing.pulls()} == {"meadow", "harbour-cafe"}
    assert landing.forget("harbour") == (0, 0, frozenset(), 0, 0)


def test_what_is_old_goes_but_for_packs_that_came_again(landing: Landing) -> None:
    old = [
        pull(landing, "meadow", *bodies, began=NOW - dt.timedelta(days=days))[0]
        for days, bodies in ((402, (b"[]", b"then")), (401, (b"[]", b"now")))
    ]
    new, made = pull(landing, "meadow", b"[]", b"now", began=NOW - dt.timedelta(days=400))
    before = NOW - dt.timedelta(days=400)
    would = landing.expire(before, dry_run=True)
    assert [name for name, _ in landing.pulls()] == [*old, new]
    assert landing.expire(before) == would
    assert (would.pulls, would.documents, len(would.packs), would.shared) == (2, 2, 1, 1)
    assert [name for name, _ in landing.pulls()] == [new]
    assert [found.body for found in landing.pages(made)] == [b"[]", b"now"]
    with pytest.raises(Missing):
        landing.read_document(f"checks/{old[0]}")


def test_no_empty_folder_keeps_the_name_of_a_client(tmp_path: Path) -> None:
    landing = Landing(tmp_path)
    pull(landing, "harbour", b"x")
    landing.forget("harbour")
    assert {name for name in files(tmp_path) if not name.startswith("raw")} == set()


@pytest.mark.parametrize("stop_at", range(3))
def test_interrupted_anywhere_it_can_be_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop_at: int
) -> None:
    landing = Landing(tmp_path)
    pull(landing, "harbour", b"one", b"two")
    unlink, calls = Path.unlink, iter(range(99))

    def dying(path: Path, *, missing_ok: bool = False) -> None:
        if next(calls) == stop_at:
            raise KeyboardInterrupt
        unlink(path, missing_ok=missing_ok)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", dying)
        with pytest.raises(KeyboardInterrupt):
            landing.forget("harbour")
    landing.forget("harbour")
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_what_a_killed_pull_has_left_goes_after_a_day(tmp_path: Path) -> None:
    landing = Landing(tmp_path)
    pull(landing, "meadow", b"named")
    stray, running = (pack(landing, body) for body in (b"stray", b"of a pull that is running"))
    torn = tmp_path / "raw" / "aa" / ".0123.partial"
    torn.parent.mkdir(exist_ok=True)
    torn.write_bytes(b"torn")
    two_days_ago = dt.datetime.now().timestamp() - 2 * 86_400
    for path in (torn, *tmp_path.glob(f"raw/*/{stray}.gz")):
        os.utime(path, (two_days_ago, two_days_ago))
    assert landing.expire(NOW - dt.timedelta(days=1)).strays == 2
    assert not torn.exists()
    assert not landing.holds(stray)
    assert landing.holds(running)


def test_a_damaged_manifest_still_protects_and_gives_up_its_answers(tmp_path: Path) -> None:
    landing = Landing(tmp_path)
    name, _ = pull(landing, "meadow", b"of both")
    pull(landing, "harbour", b"of both")
    whole = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(whole[:-9])
    with pytest.raises(Corrupt):
        landing.read_pull(name)
    assert landing.forget("harbour").shared == 1
    assert len(landing.forget("meadow").packs) == 1


def test_a_client_named_like_a_source_or_a_run_takes_nothing_else_along(tmp_path: Path) -> None:
    landing = Landing(tmp_path)
    kept, _ = pull(landing, "meadow", b"x", ref="@mastodon@social.example")
    for name in ("mastodon", f"run-{NOW:%Y%m%d}", "checks", "pulls", "*", ""):
        assert landing.forget(name).pulls == 0
    assert [name for name, _ in landing.pulls()] == [kept]
