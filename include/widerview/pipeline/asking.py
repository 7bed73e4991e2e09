"""The operator that asks a person and, where the answer is late, reminds once."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk.exceptions import TaskAwaitingInput
from airflow.sdk.execution_time.hitl import HITLUser

from widerview.clock import utc_now
from widerview.pipeline.answers import NO_ANSWER

_AT_LEAST = dt.timedelta(seconds=1)


class Ask(HITLOperator):
    """Ask under *Required actions* about what the task `compose` has made; wait without a worker or a trigger.

    Airflow's own operator waits once, and when the time is up takes a default for the answer. This one waits until
    `compose` says that a reminder is due, has it mailed, and goes on waiting for the same answer. When the time is up
    it gives `NO_ANSWER` in the place of the chosen option.
    """

    def __init__(self, *, client_id: str, options: Sequence[str], reviewers: Sequence[str], **more: Any) -> None:
        users = [HITLUser(id=name, name=name) for name in reviewers]
        super().__init__(options=list(options), assigned_users=users, **more)
        self.client_id = client_id

    def execute(self, context: Any) -> Any:
        """Ask, and park until the reminder is due or the time is up."""
        composed, now = _composed(context), utc_now()
        remind_at = composed["remind_at"]
        is_to_come = remind_at is not None and _at(remind_at) > now
        self.response_timeout = max(_at(remind_at if is_to_come else composed["answer_by"]) - now, _AT_LEAST)
        return super().execute(context)

    def execute_complete(self, context: Any, event: dict[str, Any]) -> Any:
        """Give the answer; or remind and park again; or say that none has come."""
        if event.get("error_type") != "timeout":
            return super().execute_complete(context, event)
        composed = _composed(context)
        left = _at(composed["answer_by"]) - utc_now()
        if left > dt.timedelta():
            from widerview.pipeline import steps

            steps.remind(self.client_id, composed, context)
            # Asking anew would erase an answer that came while the reminder went out. Parking alone does not: Airflow
            # then goes on with that answer at once.
            raise TaskAwaitingInput(method_name="execute_complete", timeout=max(left, _AT_LEAST))
        return {
            "chosen_options": [NO_ANSWER],
            "params_input": {},
            "responded_at": utc_now(),
            "responded_by_user": None,
        }


def _composed(context: Any) -> dict[str, Any]:
    found: dict[str, Any] = context["ti"].xcom_pull(task_ids="compose")
    return found


def _at(moment: str) -> dt.datetime:
    return dt.datetime.fromisoformat(moment)
