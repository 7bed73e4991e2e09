"""The links that Airflow shows on a task, under *Extra Links*."""

from airflow.sdk import BaseOperator, BaseOperatorLink
from airflow.sdk.types import TaskInstanceKey

from widerview.pipeline.catalogue import checks_path


class ChecksLink(BaseOperatorLink):
    """From the task `check` to the page that tells what the gate found in its run.

    It belongs to that task alone. A plugin's global link would put a heading with nothing below it on every other task.
    """

    @property
    def name(self) -> str:
        """What the button says."""
        return "What the gate found"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """Give the address; Airflow asks for it when the task has ended."""
        from widerview.pipeline.steps import in_ui

        return in_ui(checks_path(ti_key.dag_id, ti_key.run_id))
