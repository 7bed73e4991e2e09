"""Weeks that are spoilt in every way the sandbox knows: what the gate finds, on a warehouse with a clean past."""

from pathlib import Path

import pytest
from sqlalchemy import create_engine

from bench.defects.trials import WEEK, Reader, Trial, busiest, read_past, settled, spoilt_ways, try_all
from databases import temporary_database
from house import house_in, running_sandbox
from widerview.pipeline.ingest import targets_of
from widerview.sandbox.defects import DEFECTS
from widerview.sources.registry import SOURCES
from widerview.warehouse.migrate import migrate


@pytest.fixture(scope="module")
def trials(postgres, tmp_path_factory) -> dict[tuple[str, str], Trial]:
    """Each defect on the first source it names, and every source as it was."""
    folder: Path = tmp_path_factory.mktemp("spoilt")
    ways = [
        (name, source) for name, source in spoilt_ways() if name not in DEFECTS or source == DEFECTS[name].sources[0]
    ]
    with running_sandbox(46, settled(WEEK)) as sandbox, temporary_database(postgres) as url:
        engine = create_engine(url)
        migrate(engine)
        house = house_in(folder, sandbox, engine, platforms=SOURCES)
        everything = [target for name in SOURCES for target in targets_of(house.agency.clients.values(), name)]
        reader, targets = Reader(sandbox, house.landing, engine), busiest(everything)
        read_past(reader, targets.values(), folder / "access_logs", weekly=0)
        found = try_all(reader, targets, ways, folder / "access_logs")
        engine.dispose()
    return {(trial.defect, trial.source): trial for trial in found}


@pytest.mark.parametrize("source", SOURCES)
def test_the_week_as_it_was_is_green(trials, source) -> None:
    trial = trials["", source]
    assert (trial.verdict, trial.held, trial.how) == ("green", 0, [])


def test_most_defects_are_found(trials) -> None:
    found = {name for (name, _), trial in trials.items() if name in DEFECTS and trial.found}
    assert len(found) >= 38, sorted(DEFECTS.keys() - found)
