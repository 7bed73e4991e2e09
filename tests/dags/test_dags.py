"""Every DAG keeps the house rules, and the list of DAGs is the one we mean."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from widerview.pipeline.catalogue import Tag, observations_asset, pools

WITHOUT_TOKEN = {"ingest_access_log", "ingest_bluesky", "ingest_drop_folder", "ingest_mastodon"}
INGEST = WITHOUT_TOKEN | {
    "ingest_facebook", "ingest_ga4", "ingest_instagram", "ingest_linkedin", "ingest_matomo", "ingest_pinterest",
    "ingest_plausible", "ingest_search_console", "ingest_threads", "ingest_tiktok", "ingest_umami", "ingest_x",
    "ingest_youtube",
}  # fmt: skip
REPORTS = {"report_hollow-oak-bakery", "report_lantern-lane", "report_tidewater-cycles"}
BROKEN = "report_the-b-kery-f6d861ca"
HOUSEKEEPING = "housekeeping"
CANARY = "canary"
WATCH = "watch"
DELIVERY = {"outbox", "bounces"}


def test_these_are_all_dags(dags):
    assert set(dags) == INGEST | REPORTS | {BROKEN, HOUSEKEEPING, CANARY, WATCH} | DELIVERY


def test_every_dag_has_an_owner_tags_and_a_page_that_says_what_to_do(dags):
    for dag_id, dag in dags.items():
        assert dag.owner == "widerview", dag_id
        assert dag.tags, dag_id
        assert dag.tags <= {tag.value for tag in Tag}, dag_id
        assert dag.description, dag_id
        for part in ("**Purpose.**", "**Inputs.**", "**Outputs.**", "**When it fails.**"):
            assert part in dag.doc_md, (dag_id, part)


@pytest.mark.parametrize("dag_id", sorted(INGEST))
def test_an_ingest_dag_is_plan_pull_check_load(dags, dag_id):
    dag = dags[dag_id]
    tokens = [] if dag_id in WITHOUT_TOKEN else ["tokens"]
    assert [task.task_id for task in dag.topological_sort()][: len(tokens) + 2] == [*tokens, "plan", "pull"]
    assert set(dag.task_ids) == {*tokens, "plan", "pull", "check", "load", "alarm"}
    assert dag.task_dict["plan"].trigger_rule == "all_done", "a token that dies soon keeps nothing from being pulled"
    assert dag.task_dict["alarm"].upstream_task_ids == {*tokens, "pull", "check"}, (
        "and the run is seen to need a person"
    )
    assert dag.task_dict["pull"].is_mapped
    assert dag.task_dict["pull"].partial_kwargs["pool"] in pools()
    assert dag.task_dict["check"].trigger_rule == "all_done", "one account's failure keeps no other from being loaded"
    assert dag.task_dict["load"].trigger_rule == "all_done", "what could not be judged keeps nothing else from it"
    assert dag.timetable.key_format == "%Y-%m-%d"
    linked = {name for name, task in dag.task_dict.items() if task.operator_extra_links}
    assert linked == {"check"}, "Airflow shows a heading with nothing below it on every task that has a link to nowhere"


@pytest.mark.parametrize("dag_id", sorted(REPORTS))
def test_a_report_dag_asks_a_person_and_takes_silence_for_no(dags, dag_id):
    dag = dags[dag_id]
    assert set(dag.task_ids) == {
        "due", "ready", "compose", "verdict", "review", "hold", "decide", "send", "compose_again", "send_nothing",
    }  # fmt: skip
    assert dag.task_dict["send"].upstream_task_ids == {"compose", "decide"}
    assert dag.task_dict["decide"].upstream_task_ids == {"compose", "verdict", "review", "hold"}
    assert dag.timetable.expression == "0 9 * * 2", "a day before it is sent"
    for task_id, options in (
        ("review", ["Approve", "Send back", "Hold"]),
        ("hold", ["Compose again", "Send nothing"]),
    ):
        asked = dag.task_dict[task_id]
        assert asked.upstream_task_ids == {"verdict"}
        assert asked.options == options
        assert asked.defaults is None, "silence is no answer"
        assert asked.retries >= 2, "an answer that gets lost is asked again"
        assert [user["name"] for user in asked.assigned_users] == ["reviewer"]
    assert dag.task_dict["ready"].mode == "reschedule", "a week's wait must not hold a worker"


def test_the_house_is_kept_every_week(dags):
    dag = dags[HOUSEKEEPING]
    assert list(dag.task_ids) == ["retention"]
    assert dag.timetable.expression == "0 15 * * 6"
    assert "400 days" in dag.doc_md
    assert "60 months" in dag.doc_md


def test_the_canary_sings_two_working_days_before_most_reports(dags):
    dag = dags[CANARY]
    assert set(dag.task_ids) == {"sources", "sing", "tell"}
    assert dag.task_dict["sing"].is_mapped
    assert dag.timetable.expression == "0 6 * * 4"


def test_what_is_due_leaves_within_a_quarter_of_an_hour_and_what_comes_back_is_read_every_hour(dags):
    assert dags["outbox"].timetable.expression == "*/15 * * * *"
    assert dags["bounces"].timetable.expression == "20 * * * *"
    assert all(dags[dag_id].max_active_runs == 1 for dag_id in DELIVERY)


def test_the_watch_looks_after_every_load_and_every_half_hour(dags):
    from widerview.sources.registry import SOURCES

    dag = dags[WATCH]
    assert set(dag.task_ids) == {"look", "tell"}
    assert dag.task_dict["tell"].is_mapped, "one client's trouble keeps no other from being told"
    assert {asset.name for asset in dag.timetable.asset_condition.objects} == {
        observations_asset(each.name) for each in SOURCES.values() if each.kind == "social"
    }
    assert dag.timetable.timetable.expression == "*/30 * * * *"
    assert dag.max_active_runs == 1


def test_reading_the_dags_imports_nothing_heavy(clients: Path):
    script = (
        "import sys, runpy\n"
        "for name in ('ingest', 'report', 'housekeeping', 'canary', 'watch', 'outbox', 'bounces'):\n"
        "    runpy.run_path(f'dags/{name}.py')\n"
        "heavy = {'pandas', 'great_expectations', 'scipy', 'css_inline', 'resvg_py'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", script], check=True, cwd=root, env=dict(os.environ), timeout=120)


def test_a_task_start_builds_only_its_own_dag(clients: Path, monkeypatch: pytest.MonkeyPatch):
    import runpy

    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", "report_lantern-lane")
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_TASK_ID", "compose")
    read = runpy.run_path(str(Path(__file__).parents[2] / "dags" / "report.py"))
    assert list(read["agency"].clients) == ["lantern-lane"]


def test_the_dag_of_a_broken_client_says_what_to_mend(dags, metadata_database):
    run = dags[BROKEN].test()
    assert run.state == "failed"
    assert "the bäkery.yaml:1" in dags[BROKEN].doc_md
