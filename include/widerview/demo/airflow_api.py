"""The few calls of Airflow's public REST API (v2) that the demo makes, as a person's script would."""

import time
from typing import Any, cast
from urllib.parse import quote

import requests

from widerview.pipeline.airflow_api import AirflowApi

ENDED = {"success", "failed"}


class RunFailed(RuntimeError):
    """A DAG run failed; the message names the tasks that did."""


class DemoAirflow(AirflowApi):
    """A logged-in user of the demo's Airflow."""

    def healthy(self) -> bool:
        """Whether the API server answers and scheduler, DAG processor and triggerer have reported to it."""
        try:
            answer = self._session.get(f"{self._url}/api/v2/monitor/health", timeout=5)
        except requests.RequestException:
            return False
        if not answer.ok:
            return False
        parts = answer.json()
        return all(
            parts[name]["status"] == "healthy" for name in ("metadatabase", "scheduler", "dag_processor", "triggerer")
        )

    def dag_ids(self) -> set[str]:
        """The DAGs Airflow knows and would run."""
        return {dag["dag_id"] for dag in self._get("/dags?limit=1000")["dags"] if not dag["is_paused"]}

    def make_pool(self, name: str, pool: dict[str, Any]) -> None:
        """Make a pool, or leave it as it is."""
        self.call("POST", "/pools", {"name": name, **pool}, fine=(requests.codes.conflict,))

    def run(self, dag_id: str, run_id: str) -> dict[str, Any] | None:
        """Look a run up."""
        path = f"/dags/{dag_id}/dagRuns/{quote(run_id)}"
        return self.call("GET", path, fine=(requests.codes.not_found,))

    def trigger(self, dag_id: str, run_id: str, conf: dict[str, Any]) -> None:
        """Start a run, unless a run of that name exists."""
        if self.run(dag_id, run_id) is None:
            self.call("POST", f"/dags/{dag_id}/dagRuns", {"dag_run_id": run_id, "logical_date": None, "conf": conf})

    def tasks(self, dag_id: str, run_id: str) -> dict[tuple[str, int], str | None]:
        """Give the state of each task instance of a run, by task id and map index."""
        found = self._get(f"/dags/{dag_id}/dagRuns/{quote(run_id)}/taskInstances?limit=1000")["task_instances"]
        return {(task["task_id"], task["map_index"]): task["state"] for task in found}

    def wait(self, dag_id: str, run_id: str, *, seconds: float, until: tuple[str, str] | None = None) -> str:
        """Wait for a run to end well, or for one of its tasks to reach a state.

        Args:
            dag_id: The DAG.
            run_id: The run.
            seconds: Give up after so long.
            until: A task id and a state that is enough.

        Returns:
            The state of the run.

        Raises:
            RunFailed: The run failed.
            TimeoutError: It took too long.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            run = self.run(dag_id, run_id)
            state = run["state"] if run else "missing"
            if state == "failed":
                bad = [f"{task}[{index}]" if index >= 0 else task
                       for (task, index), one in self.tasks(dag_id, run_id).items() if one == "failed"]  # fmt: skip
                raise RunFailed(
                    f"{dag_id} {run_id} failed at {', '.join(sorted(bad)) or 'no task'}; the tasks' logs say why: "
                    f"{self._url}/dags/{dag_id}/runs/{quote(run_id)}"
                )
            if state == "success":
                return state
            if until and self.tasks(dag_id, run_id).get((until[0], -1)) == until[1]:
                return cast("str", state)
            time.sleep(1)
        raise TimeoutError(f"{dag_id} {run_id} has not ended within {seconds:.0f} s: {self.tasks(dag_id, run_id)}")

    def answer(self, dag_id: str, run_id: str, task_id: str, option: str, params: dict[str, Any]) -> bool:
        """Answer a human-in-the-loop task; False if it was not waiting for an answer any more."""
        path = f"/dags/{dag_id}/dagRuns/{quote(run_id)}/taskInstances/{task_id}/-1/hitlDetails"
        answer = {"chosen_options": [option], "params_input": params}
        too_late = (requests.codes.conflict, requests.codes.not_found)
        return self.call("PATCH", path, answer, fine=too_late) is not None

    def _get(self, path: str) -> dict[str, Any]:
        return cast("dict[str, Any]", self.call("GET", path))
