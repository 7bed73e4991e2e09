"""A week that is spoilt in every way the sandbox knows: what the gate finds, on a warehouse that knows a clean past."""

from pathlib import Path

import pytest
from sqlalchemy import create_engine

from bench.defects.clean import read_clean_weeks
from bench.defects.trials import WEEK, Reader, Trial, busiest, read_past, settled, try_all
from databases import temporary_database
from house import house_in, running_sandbox
from widerview.pipeline.ingest import targets_of
from widerview.sandbox.defects import DEFECTS
from widerview.warehouse.migrate import migrate

# A defect is tried where it comes first, which needs half of the sources; `make bench-defects` tries it on all.
FIRST = {name: defect.sources[0] for name, defect in DEFECTS.items()}
TRIED = tuple(dict.fromkeys(FIRST.values()))


@pytest.fixture(scope="module")
def trials(postgres, tmp_path_factory) -> dict[str, Trial]:
    """What came of each defect, and (by the source's name) of the week as it was."""
    folder: Path = tmp_path_factory.mktemp("spoilt")
    with running_sandbox(46, settled(WEEK)) as sandbox, temporary_database(postgres) as url:
        engine = create_engine(url)
        migrate(engine)
        house = house_in(folder, sandbox, engine, platforms=TRIED)
        clients = house.agency.clients.values()
        targets = busiest(target for source in TRIED for target in targets_of(clients, source))
        reader, logs = Reader(sandbox, house.landing, engine), folder / "access_logs"
        read_past(reader, targets.values(), logs, weekly=0)
        ways = [*(("", source) for source in TRIED), *FIRST.items()]
        found = try_all(reader, targets, ways, logs)
        engine.dispose()
    return {trial.defect or trial.source: trial for trial in found}


@pytest.mark.parametrize("source", TRIED)
def test_the_week_as_it_was_is_green(trials, source) -> None:
    assert (trials[source].verdict, trials[source].held, trials[source].how) == ("green", 0, [])


@pytest.mark.parametrize(
    "defect",
    [
        "web_in_thousands", "web_counted_in_thousands", "web_day_missing", "web_bot_spike", "web_cached",
        "web_of_another_site", "web_all_zero", "visits_negative", "visits_null", "visitors_summed", "log_cut_in_half",
        "no_posts", "posts_of_another_account", "profile_of_another_account", "post_id_null", "posts_of_1970",
        "posts_in_the_future", "likes_in_thousands", "likes_halved", "likes_key_gone", "likes_as_object", "views_fell",
        "counters_zero", "followers_zero", "metric_retired", "reach_summed", "account_day_twice", "error_inside",
    ],
)  # fmt: skip
def test_what_must_not_reach_a_report_is_held_or_said(trials, defect) -> None:
    assert trials[defect].stopped


def test_a_new_key_is_recorded_and_no_fault(trials) -> None:
    assert (trials["key_added"].verdict, trials["key_added"].held) == ("green", 0)
    assert "new key" in trials["key_added"].recorded[0]


def test_most_defects_are_found(trials) -> None:
    assert len(DEFECTS) - len(missed := [name for name in DEFECTS if not trials[name].found]) >= 38, missed


def test_of_clean_weeks_the_gate_has_nothing_to_say(postgres, tmp_path) -> None:
    with temporary_database(postgres) as url:
        engine = create_engine(url)
        migrate(engine)
        clean = read_clean_weeks(tmp_path, engine, seeds=1, weeks=3, sources=("bluesky", "facebook", "matomo"))
        engine.dispose()
    assert clean.client_weeks == 9
    assert clean.not_green == []
