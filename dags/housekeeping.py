"""One DAG for the house: what is older than it is kept goes, every week."""

from airflow.sdk import CronTriggerTimetable, dag, task

from widerview.pipeline.catalogue import DEFAULT_ARGS, Tag, housekeeping_doc
from widerview.settings import load_settings


@dag(
    description="What is older than it is kept goes",
    schedule=CronTriggerTimetable("0 15 * * 6", timezone="UTC"),  # Saturday afternoon: nothing else is to be done
    doc_md=housekeeping_doc(load_settings()),
    tags=[Tag.HOUSEKEEPING],
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
)
def housekeeping() -> None:
    @task(multiple_outputs=False)
    def retention() -> dict:
        from widerview.pipeline import steps

        return steps.retention()

    retention()


housekeeping()
