"""One DAG a client: due, ready, compose, review, decide, send; or hold, where the verdict is red."""

import datetime as dt
from typing import Any

from airflow.providers.standard.operators.empty import EmptyOperator
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

from widerview.agency.load import BrokenFile, load_agency
from widerview.agency.models import Client
from widerview.agency.schedule import review_cron
from widerview.pipeline.answers import APPROVE, COMPOSE_AGAIN, HOLD, MOST_STRIKEABLE, SEND_BACK, SEND_NOTHING
from widerview.pipeline.asking import Ask
from widerview.pipeline.catalogue import DEFAULT_ARGS, Tag, broken_doc, client_of_report_dag, report_dag_id, report_doc
from widerview.settings import load_settings

NOTE = Param(
    None,
    type=["string", "null"],
    format="multiline",
    maxLength=2000,
    title="Note to the client",
    description="Goes to the top of the mail, under your agency's name. May stay empty.",
)
STRIKE = Param(
    None,
    type=["integer", "null"],
    minimum=1,
    maximum=MOST_STRIKEABLE,
    title="Strike a sentence",
    description="Its number in the list above: the mail goes out without it. May stay empty.",
)
REASON = Param(
    None,
    type=["string", "null"],
    maxLength=2000,
    title="Why not",
    description="If you send it back or hold it: why. Kept with the report; the client never sees it.",
)
# A lost answer fails the task (apache/airflow#67265 and kin); the retry asks the reviewer again.
ASKED_AGAIN: dict[str, Any] = {"retry_delay": dt.timedelta(seconds=15), "retry_exponential_backoff": 0}
SUBJECT, BODY = (f"{{{{ ti.xcom_pull(task_ids='compose')['{part}'] }}}}" for part in ("subject", "preview"))


def report(client: Client) -> None:
    """Make the DAG of one client."""

    @dag(
        dag_id=report_dag_id(client.client),
        description=f"The report to {client.name}",
        schedule=CronTriggerTimetable(review_cron(client), timezone=client.time_zone),
        doc_md=report_doc(client),
        tags=[Tag.REPORT],
        params={
            "period": Param(None, type=["string", "null"], description="ISO week, e.g. 2026-W46; else the last one"),
            "send_at": Param(
                None, type=["string", "null"], format="date-time", description="Not before; else when it is approved"
            ),
        },
        max_active_runs=1,
        default_args=DEFAULT_ARGS,
    )
    def build() -> None:
        @task(multiple_outputs=False)
        def due() -> dict:
            from widerview.pipeline import steps

            return steps.due(client.client, get_current_context())

        @task.sensor(mode="reschedule", poke_interval=600, timeout=dt.timedelta(hours=20), retries=0)
        def ready(plan: dict) -> PokeReturnValue:
            from widerview.pipeline import steps

            return PokeReturnValue(steps.ready(client.client, plan))

        @task(multiple_outputs=False)
        def compose(plan: dict) -> dict:
            from widerview.pipeline import steps

            return steps.compose(client.client, plan)

        @task.branch
        def verdict(composed: dict) -> str:
            return str(composed["asked"])

        review, hold = (
            Ask(
                task_id=task_id,
                client_id=client.client,
                subject=SUBJECT,
                body=BODY,
                options=options,
                params=fields,
                reviewers=client.reviewers,
                **ASKED_AGAIN,
            )
            for task_id, options, fields in (
                ("review", [APPROVE, SEND_BACK, HOLD], {"note": NOTE, "strike": STRIKE, "reason": REASON}),
                ("hold", [COMPOSE_AGAIN, SEND_NOTHING], {}),
            )
        )

        @task.branch(trigger_rule="none_failed_min_one_success")
        def decide(composed: dict, of_review: dict | None, of_hold: dict | None) -> str:
            from widerview.pipeline import steps

            answers = {"review": of_review, "hold": of_hold}
            return steps.decide(client.client, composed, answers, get_current_context())

        # A run of its own: what this one had composed stays as it was judged.
        compose_again = TriggerDagRunOperator(
            task_id="compose_again",
            trigger_dag_id=report_dag_id(client.client),
            conf={
                "period": "{{ ti.xcom_pull(task_ids='compose')['period'] }}",
                "send_at": "{{ ti.xcom_pull(task_ids='compose')['send_at'] }}",
            },
        )

        @task(trigger_rule="none_failed_min_one_success", multiple_outputs=False)
        def send(composed: dict) -> dict:
            from widerview.pipeline import steps

            return steps.send(client.client, composed)

        plan = due()
        composed = compose(plan)
        judged = verdict(composed)
        ready(plan) >> composed
        decided = decide(composed, review.output, hold.output)
        judged >> [review, hold, decided]
        decided >> [send(composed), compose_again, EmptyOperator(task_id="send_nothing")]

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
