"""One DAG that reads what comes back: bounces and complaints."""

from airflow.sdk import CronTriggerTimetable, dag, task

from widerview.pipeline.catalogue import DEFAULT_ARGS, Tag, bounces_doc


@dag(
    description="Which mails did not arrive, and who wants none",
    schedule=CronTriggerTimetable("20 * * * *", timezone="UTC"),
    doc_md=bounces_doc(),
    tags=[Tag.DELIVERY],
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
)
def bounces() -> None:
    @task(multiple_outputs=False)
    def read() -> dict:
        from widerview.pipeline import steps

        return steps.bounces()

    read()


bounces()
