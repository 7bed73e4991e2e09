"""One DAG that sends what is due: put off, resolved, let go, or sent again."""

from airflow.sdk import CronTriggerTimetable, dag, task

from widerview.pipeline.catalogue import DEFAULT_ARGS, Tag, outbox_doc


@dag(
    description="Mails that are due go out",
    schedule=CronTriggerTimetable("*/15 * * * *", timezone="UTC"),
    doc_md=outbox_doc(),
    tags=[Tag.DELIVERY],
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
)
def outbox() -> None:
    @task(multiple_outputs=False)
    def drain() -> dict:
        from widerview.pipeline import steps

        return steps.drain()

    drain()


outbox()
