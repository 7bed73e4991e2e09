"""One DAG a client: ready, compose, review, send; or hold, where the verdict is red."""

import datetime as dt

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.hitl import ApprovalOperator, HITLBranchOperator
from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import (
    CronTriggerTimetable,
    Param,
    PokeReturnValue,
    dag,
    get_current_context,
    get_parsing_context,
    task,
)
from airflow.sdk.execution_time.hitl import HITLUser

from widerview.agency.load import BrokenFile, load_agency
from widerview.agency.models import Client
from widerview.pipeline.catalogue import DEFAULT_ARGS, Tag, broken_doc, client_of_report_dag, report_dag_id, report_doc
from widerview.settings import load_settings

COMPOSE_AGAIN, SEND_NOTHING = "Compose again", "Send nothing"


def report(client: Client) -> None:
    """Make the DAG of one client."""

    @dag(
        dag_id=report_dag_id(client.client),
        description=f"The weekly report to {client.name}",
        schedule=CronTriggerTimetable(client.report.cron, timezone=client.time_zone),
        doc_md=report_doc(client),
        tags=[Tag.REPORT],
        params={
            "period": Param(None, type=["string", "null"], description="ISO week, e.g. 2026-W46; else the last one")
        },
        max_active_runs=1,
        default_args=DEFAULT_ARGS,
    )
    def build() -> None:
        reviewers = [HITLUser(id=name, name=name) for name in client.reviewers]

        @task.sensor(mode="reschedule", poke_interval=600, timeout=dt.timedelta(hours=20), retries=0)
        def ready() -> PokeReturnValue:
            from widerview.pipeline import steps

            return PokeReturnValue(steps.ready(client.client, get_current_context()))

        @task(multiple_outputs=False)
        def compose() -> dict:
            from widerview.pipeline import steps

            return steps.compose(client.client, get_current_context())

        # A lost answer fails the task (apache/airflow#67265 and kin); the retry asks the reviewer again.
        review = ApprovalOperator(
            task_id="review",
            subject="{{ ti.xcom_pull(task_ids='compose')['subject'] }}",
            body="{{ ti.xcom_pull(task_ids='compose')['preview'] }}",
            params={
                "note": Param(
                    None,
                    type=["string", "null"],
                    format="multiline",
                    maxLength=2000,
                    title="Note to the client",
                    description="Goes to the top of the mail, under your agency's name. May stay empty.",
                )
            },
            defaults=ApprovalOperator.REJECT,
            response_timeout=dt.timedelta(hours=client.report.answer_within_hours),
            assigned_users=reviewers,
            retry_delay=dt.timedelta(seconds=15),
            retry_exponential_backoff=0,
        )

        @task.branch
        def verdict(composed: dict) -> str:
            return "hold" if composed["held"] else "review"

        hold = HITLBranchOperator(
            task_id="hold",
            subject="{{ ti.xcom_pull(task_ids='compose')['subject'] }}",
            body="{{ ti.xcom_pull(task_ids='compose')['preview'] }}",
            options=[COMPOSE_AGAIN, SEND_NOTHING],
            options_mapping={COMPOSE_AGAIN: "compose_again", SEND_NOTHING: "send_nothing"},
            defaults=[SEND_NOTHING],
            response_timeout=dt.timedelta(hours=client.report.answer_within_hours),
            assigned_users=reviewers,
            retry_delay=dt.timedelta(seconds=15),
            retry_exponential_backoff=0,
        )
        # A run of its own: what this one had composed stays as it was judged.
        compose_again = TriggerDagRunOperator(
            task_id="compose_again",
            trigger_dag_id=report_dag_id(client.client),
            conf={"period": "{{ ti.xcom_pull(task_ids='compose')['period'] }}"},
        )

        @task(multiple_outputs=False)
        def send(composed: dict, decision: dict) -> dict:
            from widerview.pipeline import steps

            return steps.send(client.client, composed, decision)

        composed = compose()
        ready() >> composed >> verdict(composed) >> [review, hold]
        hold >> [compose_again, EmptyOperator(task_id="send_nothing")]
        send(composed, review.output)

    build()


def broken(file: BrokenFile) -> None:
    """Show a client whose file cannot be read: a DAG that says what is wrong and where."""

    @dag(
        dag_id=report_dag_id(file.key),
        description="This client's file has mistakes and is left out",
        schedule=None,
        doc_md=broken_doc(file),
        tags=[Tag.REPORT, Tag.BROKEN],
        default_args=DEFAULT_ARGS,
    )
    def build() -> None:
        @task(retries=0)
        def mend_the_file() -> None:
            raise ValueError(str(file))

        mend_the_file()

    build()


# A task start needs one client's DAG, not everybody's. (A broken file with an odd name is found among all only.)
wanted = get_parsing_context().dag_id
agency = load_agency(load_settings().clients, only=wanted and client_of_report_dag(wanted))
if wanted and not agency.clients and not agency.broken:
    agency = load_agency(load_settings().clients)
for each in agency.clients.values():
    report(each)
for each_broken in agency.broken:
    broken(each_broken)
