"""One DAG that asks every platform for every metric alone, days before the reports."""

from airflow.sdk import CronTriggerTimetable, TriggerRule, dag, get_current_context, task

from widerview.pipeline.catalogue import DEFAULT_ARGS, Tag, canary_doc


@dag(
    description="Which metrics have the platforms given up?",
    schedule=CronTriggerTimetable("0 6 * * 4", timezone="UTC"),  # Thursday: two working days before most reports
    doc_md=canary_doc(),
    tags=[Tag.HOUSEKEEPING],
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
)
def canary() -> None:
    @task
    def sources() -> list[str]:
        from widerview.pipeline import steps

        return steps.singers()

    @task(map_index_template="{{ source }}")
    def sing(source: str) -> list[str]:
        from widerview.pipeline import steps

        return steps.sing(source, get_current_context())

    # What it tells of is told also where a platform was red, which the run stays: a teardown decides of no run.
    @task(trigger_rule=TriggerRule.ALL_DONE)
    def tell() -> int:
        from widerview.pipeline import steps

        return steps.tell_missing()

    sing.expand(source=sources()) >> tell().as_teardown()


canary()
