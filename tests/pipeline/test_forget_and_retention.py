"""A whole client is forgotten, and what is old goes: through the real rooms, on a house that has read everything."""

import datetime as dt
import shutil
import subprocess
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL

from house import SETTLED, House, house_in
from widerview.delivery.outbox import queue
from widerview.demo.postgres import wheel
from widerview.landing.store import Landing
from widerview.measures.weeks import Week
from widerview.pipeline import ingest, weekly
from widerview.pipeline.forget import forget
from widerview.pipeline.retention import expire
from widerview.report.facts import Facts
from widerview.settings import Settings
from widerview.sources.registry import SOURCES

WEEK = Week.parse("2026-W46")
GONE = "hollow-oak-bakery"
CANARIES = (b"hollow-oak-bakery", b"hollowoak.example", b"hollowoak@social.example", b"marta@hollowoak.example")


@pytest.fixture
def own(told: House, tmp_path: Path) -> House:
    """The house that has read everything, with a landing of the test's own."""
    shutil.copytree(told.root / "landing", tmp_path / "landing")
    return house_in(tmp_path, told.sandbox, told.engine)


def report(house: House, client_id: str) -> Facts:
    """Compose and keep a client's report, and put its mails into the outbox."""
    client = house.agency.clients[client_id]
    facts = weekly.save(house.engine, weekly.compose_facts(house.engine, client, WEEK, SETTLED))
    with house.engine.begin() as connection:
        queue(connection, client_id=client_id, period=facts.period, revision=facts.revision,
              mails=weekly.mails(client, facts, None, SETTLED), now=SETTLED)  # fmt: skip
    return facts


def database_dump(house: House) -> bytes:
    """Everything in the database, as text, bytes unpacked."""
    url: URL = house.engine.url
    dump = Path(wheel().__file__).parent / "pginstall18" / "bin" / "pg_dump"
    place = url.set(drivername="postgresql").render_as_string(hide_password=False)
    done = subprocess.run([dump, "--inserts", place], check=True, capture_output=True)
    escaped = done.stdout
    with house.engine.connect() as connection:
        for (message,) in connection.exec_driver_sql("SELECT message FROM outbox"):
            escaped += bytes(message)
    return escaped


def landed(house: House) -> Iterator[bytes]:
    """The name and the content of everything in landing, bodies unpacked."""
    root = house.root / "landing"
    for path in root.rglob("*"):
        yield path.relative_to(root).as_posix().encode()
        if path.is_file():
            content = path.read_bytes()
            yield zlib.decompress(content, wbits=31) if path.suffix == ".gz" else content


def canaries(house: House) -> dict[str, set[bytes]]:
    """Which canaries sing where."""
    dump, files = database_dump(house), list(landed(house))
    return {
        "warehouse": {canary for canary in CANARIES if canary in dump},
        "landing": {canary for canary in CANARIES if any(canary in content for content in files)},
    }


def others(house: House) -> list[object]:
    return [
        weekly.compose_facts(house.engine, house.agency.clients[client], WEEK, SETTLED)
        for client in ("lantern-lane", "tidewater-cycles")
    ]


def remove(house: House):
    kept = [client for client_id, client in house.agency.clients.items() if client_id != GONE]
    return forget(house.engine, house.landing, GONE, kept)


def test_a_whole_client_is_forgotten_and_the_others_are_as_before(own: House) -> None:
    for client in own.agency.clients:
        report(own, client)
    before = others(own)
    assert canaries(own) == {"warehouse": set(CANARIES), "landing": set(CANARIES[:3])}
    done = remove(own)
    removed = {line.place: line.removed for line in done.lines}
    assert {line.place: line.left for line in done.lines if line.left} == {}
    for place in ("account", "post", "day_value", "load", "verdict", "report", "outbox",
                  "landing: pulls", "landing: documents beside them", "landing: packs of raw answers"):  # fmt: skip
        assert removed[place], place
    assert canaries(own) == {"warehouse": set(), "landing": set()}
    assert others(own) == before
    assert ingest.replay(own.landing, SOURCES, own.engine).gone == 0
    assert others(own) == before
    assert not any(line.removed or line.left for line in remove(own).lines)


def test_interrupted_in_landing_it_knows_everything_still(own: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def dying(landing: Landing, client: str) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Landing, "forget", dying)
        with pytest.raises(KeyboardInterrupt):
            remove(own)
    assert {line.place: line.left for line in remove(own).lines if line.left} == {}
    assert canaries(own) == {"warehouse": set(), "landing": set()}


def test_what_others_say_of_a_client_is_found_and_told(own: House) -> None:
    with own.engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE load SET ref = '@hollowoak@social.example' "
            "WHERE client_id = 'tidewater-cycles' AND source = 'mastodon'"
        )
    own.landing.write_document("notes/meeting.txt", b"Marta from Hollow Oak: marta@hollowoak.example")
    done = remove(own)
    assert {line.place: line.left for line in done.lines if line.left} == {"named in load.ref": 1}, (
        "a mail address that the warehouse does not know is not searched for"
    )
    assert any("other clients" in note for note in done.notes)


def test_an_address_that_another_client_has_too_is_not_its_own(own: House) -> None:
    report(own, GONE)
    bikes = own.agency.clients["tidewater-cycles"]
    marta = own.agency.clients[GONE].recipients[0]
    sharing = bikes.model_copy(update={"recipients": (*bikes.recipients, marta)})
    own.agency.clients["tidewater-cycles"] = sharing
    report(own, "tidewater-cycles")
    done = remove(own)
    assert {line.place: line.left for line in done.lines if line.left} == {}
    assert any("marta@hollowoak.example" in note for note in done.notes)


def settings(**kept: int) -> Settings:
    return Settings(clients=Path(), landing="", **kept)


def test_raw_answers_go_after_their_days_and_the_numbers_stay(own: House) -> None:
    before = others(own)
    house, later = settings(keep_raw_days=30), SETTLED + dt.timedelta(days=31)
    would = expire(own.engine, own.landing, house, later, dry_run=True)
    assert would["landing: pulls"] == len(list(own.landing.pulls())) > 0
    assert expire(own.engine, own.landing, house, later) == would
    assert set(would) == {"landing: pulls", "landing: documents beside them", "landing: packs of raw answers"}
    assert not any(list((own.root / "landing").glob(f"{part}/**/*.*")) for part in ("raw", "pulls", "checks"))
    assert others(own) == before
    assert expire(own.engine, own.landing, house, later) == {}


def test_observations_go_after_their_months_and_reports_stay(own: House) -> None:
    facts = report(own, GONE)
    gone = expire(own.engine, own.landing, settings(keep_observations_months=1), SETTLED + dt.timedelta(days=365))
    assert {"post_2026_11", "day_value_2026_11", "verdict"} <= set(gone)
    with own.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM outbox").scalar() == 1
        kept = weekly.get_report(connection, GONE, facts.period, facts.revision)
    assert kept is not None
    assert weekly.facts_of(kept).figures == facts.figures


def test_a_replay_leaves_out_what_is_no_longer_kept_and_goes_on(own: House, caplog: pytest.LogCaptureFixture) -> None:
    name, pull = next(iter(own.landing.pulls("lantern-lane")))
    [file] = (own.root / "landing" / "raw").rglob(f"{pull.pack}.gz")
    file.unlink()
    check = own.landing.read_document(f"checks/{name}")
    everything = len(list(own.landing.pulls()))
    assert ingest.replay(own.landing, SOURCES, own.engine) == (everything - 1, 1)
    assert f"{name}: left out" in caplog.text
    assert own.landing.read_document(f"checks/{name}") == check, "what the gate had found is not replaced"


def test_a_replay_goes_on_after_a_pull_that_cannot_be_loaded(own: House) -> None:
    name, pull = next(iter(own.landing.pulls()))
    [file] = (own.root / "landing" / "raw").rglob(f"{pull.pack}.gz")
    file.write_bytes(b"no gzip")
    with own.engine.begin() as connection:
        connection.exec_driver_sql("TRUNCATE load, account, post, comment, day_value, verdict")
    with pytest.raises(ingest.LoadFailed, match=name):
        ingest.replay(own.landing, SOURCES, own.engine)
    with own.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM load").scalar() == len(list(own.landing.pulls())) - 1
