"""One DAG a source: plan, pull, check, load."""

import datetime as dt

from airflow.sdk import (
    Asset,
    CronPartitionTimetable,
    ExceptionRetryPolicy,
    Param,
    RetryAction,
    RetryRule,
    dag,
    get_current_context,
    get_parsing_context,
    task,
)

from widerview.pipeline.catalogue import DEFAULT_ARGS, Tag, ingest_dag_id, ingest_doc, observations_asset, pool_of
from widerview.pipeline.links import ChecksLink
from widerview.settings import load_settings
from widerview.sources.base import Source
from widerview.sources.registry import SOURCES

A_PERSON_IS_NEEDED = ExceptionRetryPolicy(
    rules=[
        RetryRule(
            exception="widerview.pipeline.ingest.PullRefused",
            action=RetryAction.FAIL,
            reason="A token or an account needs a person; asking again would not help.",
        )
    ]
)

DAY = Param(None, type=["string", "null"], format="date", description="For a run by hand over a longer window")


def ingest(source: Source) -> None:
    """Make the DAG of one source."""

    @dag(
        dag_id=ingest_dag_id(source.name),
        description=f"Every client's {source.title}, into the warehouse",
        schedule=CronPartitionTimetable(
            load_settings().ingest_cron, timezone="UTC", run_offset=-1, key_format="%Y-%m-%d"
        ),
        doc_md=ingest_doc(source),
        tags=[Tag.INGEST, Tag(source.kind)],
        params={"first": DAY, "last": DAY},
        max_active_runs=1,
        default_args=DEFAULT_ARGS,
    )
    def build() -> None:
        @task
        def tokens() -> list[str]:
            from widerview.pipeline import steps

            return steps.tokens(source.name)

        # A token that a person has to renew stops nothing: it may live for days.
        @task(trigger_rule="all_done")
        def plan() -> list[list[dict]]:
            from widerview.pipeline import steps

            return steps.plan(source.name)

        @task(pool=pool_of(source.name), map_index_template="{{ batch }}", retry_policy=A_PERSON_IS_NEEDED)
        def pull(batch: list[dict]) -> list[str]:
            from widerview.pipeline import steps

            return steps.pull(source.name, batch, get_current_context())

        @task(trigger_rule="all_done", execution_timeout=dt.timedelta(hours=1), multiple_outputs=False)
        def check(run_id: str) -> dict:
            from widerview.pipeline import steps

            return steps.check(source.name, run_id)

        # What could not be judged is not loaded, and `check` fails for it; the others are not to wait for it.
        @task(outlets=[Asset(observations_asset(source.name))], trigger_rule="all_done", multiple_outputs=False)
        def load(run_id: str) -> dict:
            from widerview.pipeline import steps

            return steps.load(source.name, run_id)

        @task(trigger_rule="one_failed", retries=0)
        def alarm() -> None:
            raise RuntimeError(
                "A token needs a person, or accounts were not pulled or not judged: see the failed tasks `tokens`, "
                "`pull` and `check`."
            )

        batches, alarmed = plan(), alarm()
        if source.renewal_page:
            tokens() >> [batches, alarmed]
        pulled = pull.expand(batch=batches)
        pulled >> alarmed
        checked = check()
        checked.operator.operator_extra_links = (ChecksLink(),)
        pulled >> checked >> [load(), alarmed]

    build()


only = get_parsing_context().dag_id
for each in SOURCES.values():
    if only in {None, ingest_dag_id(each.name)}:
        ingest(each)
