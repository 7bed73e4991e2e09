"""Landing: what is kept, that it never changes, and that damage is told."""

import datetime as dt
import gzip
import hashlib
import os
import re
import signal
import subprocess
import sys
import time

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from widerview.landing import store
from widerview.landing.store import Answers, Corrupt, Landing, LandingError, Missing, open_landing, record
from widerview.sources.base import RawPage, Request, Target, Window
from widerview.sources.errors import Unauthorized
from widerview.sources.http import HttpClient

NOW = dt.datetime(2026, 11, 22, 3, 0, tzinfo=dt.UTC)
WEEK = Window(dt.date(2026, 11, 9), dt.date(2026, 11, 15))
TARGET = Target(client_id="meadow", source="mastodon", ref="@Meadow@social.example", time_zone="Europe/Berlin")
RUN = "scheduled__2026-11-16T03:00:00+00:00"
CANARY = "canary-7f3a9c51d2e84b60"


def page(body=b'{"a": 1}', *, stream="posts", status=200):
    return RawPage(
        stream=stream,
        request=Request("GET", "https://social.example/api/v1/x", {"limit": "40"}),
        status=status,
        headers={"content-type": "application/json"},
        fetched_at=NOW,
        body=body,
    )


def ticking():
    """A clock that moves on by a second with each look."""
    seconds = iter(range(10_000))
    return lambda: NOW + dt.timedelta(seconds=next(seconds))


class Scripted:
    """A source that yields given pages and then, perhaps, fails."""

    name = "mastodon"

    def __init__(self, *pages, failure=None):
        self.pages = pages
        self.failure = failure

    def fetch(self, target, window, http):
        yield from self.pages
        if self.failure:
            raise self.failure


HTTP = HttpClient(base_url="https://social.example", budget=1)


def pull(landing, *pages, clock=None, target=TARGET, run=RUN):
    return record(landing, Scripted(*pages), target, WEEK, run, HTTP, clock or ticking())


@pytest.fixture
def landing(tmp_path):
    return Landing(tmp_path)


def files(root):
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def pack(landing, *pages):
    answers = Answers()
    for each in pages:
        answers.add(each)
    return landing.write_pack(answers)


def test_answers_lie_one_after_another_in_a_pack_named_by_them(landing, tmp_path):
    _, made = pull(landing, page(b"hello, "), page(b"world"))
    digests = [hashlib.sha256(body).hexdigest() for body in (b"hello, ", b"world")]
    assert [(entry.sha256, entry.size) for entry in made.entries] == list(zip(digests, (7, 5), strict=True))
    assert made.pack == hashlib.sha256("".join(digests).encode()).hexdigest()
    [path] = tmp_path.rglob("*.gz")
    assert path.relative_to(tmp_path).as_posix() == f"raw/{made.pack[:2]}/{made.pack}.gz"
    assert gzip.decompress(path.read_bytes()) == b"hello, world"


def test_the_same_answers_are_kept_once_and_not_written_again(landing, tmp_path):
    name = pack(landing, page(b"hello"))
    [path] = tmp_path.rglob("*.gz")
    path.write_bytes(b"as it was")
    assert pack(landing, page(b"hello", stream="account")) == name
    assert path.read_bytes() == b"as it was"
    assert len(files(tmp_path)) == 1


def test_answers_that_are_cut_elsewhere_have_another_pack(landing):
    assert len({pack(landing, *map(page, bodies)) for bodies in ((b"ab", b"c"), (b"a", b"bc"), (b"abc",))}) == 3


def test_a_pull_without_answers_has_no_pack(landing, tmp_path):
    name, made = pull(landing)
    assert made.pack is None
    assert list(landing.pages(landing.read_pull(name))) == []
    assert list(files(tmp_path)) == [name]


def test_the_same_answers_pack_to_the_same_bytes_at_any_time(tmp_path, monkeypatch):
    for number, name in enumerate(("one", "two")):
        monkeypatch.setattr(time, "time", lambda now=number * 10**6: now)
        pack(Landing(tmp_path / name), page(b"hello"))
    assert files(tmp_path / "one") == files(tmp_path / "two")


def test_a_pull_larger_than_memory_may_hold_comes_back(landing, monkeypatch):
    monkeypatch.setattr(store, "_IN_MEMORY", 1_000)
    pages = [page(bytes([number]) * 700) for number in range(5)]
    _, made = pull(landing, *pages)
    assert list(landing.pages(made)) == pages


def test_a_pull_is_read_back_as_it_was(landing, tmp_path):
    pages = [page(b"{}", stream="account"), page(b"[1]"), page(b"[1]"), page(b"<html>", status=502)]
    name, made = pull(landing, *pages)
    assert re.fullmatch(
        r"pulls/mastodon/scheduled__2026-11-16t03-00-00-00-00-[0-9a-f]{8}/meadow/"
        r"meadow-social\.example-[0-9a-f]{8}/20261122T030000\.000000Z\.json",
        name,
    )
    assert (tmp_path / name).is_file()
    assert landing.read_pull(name) == made
    assert list(landing.pages(made)) == pages
    assert made.complete
    assert made.error is None
    assert (made.started_at, made.ended_at) == (NOW, NOW + dt.timedelta(seconds=1))
    assert len(list((tmp_path / "raw").rglob("*.gz"))) == 1


def test_a_failed_pull_is_kept_too_and_the_failure_raised(landing):
    source = Scripted(page(b"no", status=401), failure=Unauthorized("the token is dead"))
    with pytest.raises(Unauthorized, match="the token is dead"):
        record(landing, source, TARGET, WEEK, RUN, HTTP, ticking())
    name, made = landing.latest_pull("mastodon", RUN, TARGET)
    assert not made.complete
    assert made.error == "Unauthorized: the token is dead"
    assert [found.status for found in landing.pages(made)] == [401]
    assert [found for found, _ in landing.pulls()] == [name]


def test_the_latest_pull_is_that_of_the_last_try(landing):
    clock = ticking()
    names = [pull(landing, page(str(number).encode()), clock=clock)[0] for number in range(3)]
    assert landing.latest_pull("mastodon", RUN, TARGET)[0] == names[-1]
    assert landing.latest_pull("mastodon", "another run", TARGET) is None


def test_pulls_come_oldest_first_and_can_be_chosen(landing):
    clock = ticking()
    other = Target(client_id="harbour", source="bluesky", ref="harbour.example", time_zone="UTC")
    names = [
        pull(landing, page(), clock=clock, run="z")[0],
        pull(landing, page(), clock=clock, target=other, run="m")[0],
        pull(landing, page(), clock=clock, run="a")[0],
    ]
    assert [name for name, _ in landing.pulls()] == names
    assert [name for name, _ in landing.pulls(client="meadow")] == [names[0], names[2]]
    assert [name for name, _ in landing.pulls(source="bluesky")] == [names[1]]
    assert list(landing.pulls(client="nobody")) == []


def test_a_manifest_is_never_replaced(landing):
    name, made = pull(landing, page())
    assert landing.write_pull(made) == name
    with pytest.raises(LandingError, match="never edited"):
        landing.write_pull(msgspec.structs.replace(made, entries=()))
    assert landing.read_pull(name) == made


def test_targets_and_runs_that_look_alike_are_kept_apart(landing):
    refs = ["a.b", "A.b", "a/b", "a-b", "../a", "..", "", "ü" * 300]
    targets = [Target(client_id="meadow", source="mastodon", ref=ref, time_zone="UTC") for ref in refs]
    names = {pull(landing, page(), target=target)[0] for target in targets}
    assert len(names) == len(refs)
    for target in targets:
        name, made = landing.latest_pull("mastodon", RUN, target)
        assert made.target == target
        assert ".." not in name.split("/")


@settings(max_examples=30)
@given(bodies=st.lists(st.binary(max_size=2000), max_size=5), run=st.text(max_size=40))
def test_what_is_landed_comes_back_byte_for_byte(tmp_path_factory, bodies, run):
    landing = Landing(tmp_path_factory.mktemp("landing"))
    pages = [page(body) for body in bodies]
    name, _ = pull(landing, *pages, run=run)
    assert list(landing.pages(landing.read_pull(name))) == pages


def damage_bytes(path):
    path.write_bytes(gzip.compress(b"something else"))


def damage_packing(path):
    path.write_bytes(path.read_bytes()[:-9])


def damage_end(path):
    path.write_bytes(gzip.compress(b"hello" * 100))


def damage_everything(path):
    path.write_bytes(b"no gzip at all")


@pytest.mark.parametrize("damage", [damage_bytes, damage_packing, damage_end, damage_everything])
def test_a_damaged_pack_is_told_with_its_place(landing, tmp_path, damage):
    _, made = pull(landing, page(b"hello" * 100), page(b"the last"))
    [path] = tmp_path.rglob("*.gz")
    damage(path)
    with pytest.raises(Corrupt, match="Restore it from a backup") as caught:
        list(landing.pages(made))
    assert str(path) in str(caught.value)


def test_a_missing_pack_or_manifest_is_told_with_its_place(landing, tmp_path):
    name, made = pull(landing, page(b"hello"))
    [path] = tmp_path.rglob("*.gz")
    path.unlink()
    with pytest.raises(Missing, match=re.escape(str(path))):
        list(landing.pages(made))
    (tmp_path / name).unlink()
    with pytest.raises(Missing, match=re.escape(name)):
        landing.read_pull(name)


def test_a_damaged_manifest_is_told_with_its_place(landing, tmp_path):
    name, _ = pull(landing, page(b"hello"))
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:50])
    with pytest.raises(Corrupt, match=re.escape(name)):
        landing.read_pull(name)


def test_a_process_killed_in_the_middle_of_a_write_leaves_no_torn_file(landing, tmp_path):
    """The kernel kills the writer at byte 100,000 of a file, as surely as kill -9 and always in the same place."""
    program = f"""
import datetime as dt, os, resource, signal
from pathlib import Path
from widerview.landing.store import Answers, Landing
from widerview.sources.base import RawPage, Request

def put(body):
    request = Request("GET", "x", {{}})
    now = dt.datetime.now(dt.UTC)
    answers = Answers()
    answers.add(RawPage(stream="x", request=request, status=200, headers={{}}, fetched_at=now, body=body))
    return Landing(Path({str(tmp_path)!r})).write_pack(answers)

put(b"small")
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
put(os.urandom(300_000))
"""
    process = subprocess.run([sys.executable, "-c", program], check=False)
    assert process.returncode == -signal.SIGXFSZ
    [whole] = tmp_path.rglob("*.gz")
    assert gzip.decompress(whole.read_bytes()) == b"small"
    assert len(list(tmp_path.rglob("*.partial"))) == 1
    assert list(landing.pulls()) == []


@pytest.mark.parametrize("error", [RuntimeError("a mistake of ours"), KeyboardInterrupt()])
def test_what_was_received_is_kept_whatever_goes_wrong(landing, error):
    class Breaking(Scripted):
        def fetch(self, target, window, http):
            yield page()
            raise error

    with pytest.raises(type(error)):
        record(landing, Breaking(), TARGET, WEEK, RUN, HTTP, ticking())
    [(_, kept)] = landing.pulls()
    assert not kept.complete
    assert type(error).__name__ in kept.error
    assert [each.body for each in landing.pages(kept)] == [page().body]


def test_a_write_that_fails_leaves_nothing_behind(landing, tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError("No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        pack(landing, page())
    assert files(tmp_path) == {}


def test_a_document_is_kept_beside_the_pulls_and_may_be_written_again(landing):
    name, _ = pull(landing, page())
    with pytest.raises(Missing, match="Clear the step that writes it"):
        landing.read_document(f"checks/{name}")
    for content in (b"green", b"red"):
        landing.write_document(f"checks/{name}", content)
        assert landing.read_document(f"checks/{name}") == content
    assert [found for found, _ in landing.pulls()] == [name]


def test_no_secret_is_landed(landing, tmp_path):
    http = HttpClient(base_url="http://127.0.0.1:9", budget=9, token=CANARY, sleep=lambda seconds: None)

    class Failing(Scripted):
        def fetch(self, target, window, http):
            yield page()
            secrets = {"token_auth": http.token}
            yield http.request("POST", "x", stream="posts", secret_form=secrets, headers={"Authorization": CANARY})

    with pytest.raises(Exception, match="no complete answer"):
        record(landing, Failing(), TARGET, WEEK, RUN, http, ticking())
    landed = files(tmp_path)
    assert len(landed) == 2
    for path, content in landed.items():
        assert CANARY.encode() not in (gzip.decompress(content) if path.endswith(".gz") else content)


def test_a_local_url_opens_a_folder(tmp_path):
    folder = tmp_path / "with space"
    name, made = pull(open_landing(folder.as_uri()), page())
    assert (folder / name).is_file()
    assert open_landing(folder.as_uri()).read_pull(name) == made


def test_an_object_store_holds_the_same(tmp_path):
    landing = open_landing(f"memory://widerview-{os.getpid()}/landing")
    clock = ticking()
    pages = [page(b"[1]"), page(b"[2]")]
    names = [pull(landing, *pages, clock=clock)[0] for _ in range(2)]
    assert names == [pull(Landing(tmp_path), clock=then)[0] for then in (ticking(), skipped(2))]
    assert [name for name, _ in landing.pulls(client="meadow", source="mastodon")] == names
    name, made = landing.latest_pull("mastodon", RUN, TARGET)
    assert name == names[-1]
    assert list(landing.pages(made)) == pages
    with pytest.raises(Missing):
        landing.read_pull("pulls/nothing.json")


def skipped(looks):
    clock = ticking()
    for _ in range(looks):
        clock()
    return clock
