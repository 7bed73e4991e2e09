"""One DAG that looks for rushes of comments, and tells the account managers."""

from airflow.sdk import (
    Asset,
    AssetAny,
    AssetOrTimeSchedule,
    CronTriggerTimetable,
    dag,
    get_current_context,
    task,
)

from widerview.pipeline.catalogue import CRISIS_ASSET, DEFAULT_ARGS, Tag, observations_asset, watch_doc
from widerview.sources.registry import SOURCES

CRISIS = Asset(CRISIS_ASSET)


@dag(
    description="Does anybody get far more comments than usual?",
    schedule=AssetOrTimeSchedule(
        # After every load of a social platform; and every half hour, for what waits until an office opens.
        timetable=CronTriggerTimetable("*/30 * * * *", timezone="UTC"),
        assets=AssetAny(*(Asset(observations_asset(each.name)) for each in SOURCES.values() if each.kind == "social")),
    ),
    doc_md=watch_doc(),
    tags=[Tag.WATCH, Tag.SOCIAL],
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
)
def watch() -> None:
    @task
    def look() -> list[str]:
        from widerview.pipeline import steps

        return steps.watch()

    @task(map_index_template="{{ client }}", outlets=[CRISIS], multiple_outputs=False)
    def tell(client_id: str) -> dict:
        from widerview.pipeline import steps

        return steps.tell(client_id, get_current_context())

    tell.expand(client_id=look())


watch()
