"""Airflow's own REST API (v2), for what a task cannot do otherwise: write a Connection."""

from typing import Any, cast
from urllib.parse import quote

import requests


class AirflowApi:
    """A user of one Airflow, by name and password."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self._url = url.rstrip("/")
        self._user = user
        self._password = password
        self._session = requests.Session()

    def log_in(self) -> None:
        """Get a token; all later calls carry it.

        Raises:
            requests.RequestException: Airflow does not answer, or not to this user.
        """
        answer = self._session.post(
            f"{self._url}/auth/token", json={"username": self._user, "password": self._password}, timeout=30
        )
        answer.raise_for_status()
        self._session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def has_connection(self, connection_id: str) -> bool:
        """Whether Airflow itself keeps a Connection, rather than the environment or a secrets backend."""
        path = f"/connections/{quote(connection_id, safe='')}"
        return self.call("GET", path, fine=(requests.codes.not_found,)) is not None

    def write_connection(self, connection_id: str, *, password: str, extra: str) -> None:
        """Replace the password and the extra of a Connection; all else in it stays.

        Raises:
            requests.HTTPError: There is no such Connection, or the user may not change it.
        """
        path = f"/connections/{quote(connection_id, safe='')}?update_mask=password&update_mask=extra"
        found = self.call("GET", path.partition("?")[0]) or {}
        body = {"connection_id": connection_id, "conn_type": found["conn_type"], "password": password, "extra": extra}
        self.call("PATCH", path, body)

    def call(
        self, method: str, path: str, body: dict[str, Any] | None = None, *, fine: tuple[int, ...] = ()
    ) -> dict[str, Any] | None:
        """Call the API; None for an answer whose status is among those that are `fine` though they are errors.

        Raises:
            requests.HTTPError: Any other error.
        """
        answer = self._session.request(method, f"{self._url}/api/v2{path}", json=body, timeout=30)
        if answer.status_code in fine:
            return None
        answer.raise_for_status()
        return cast("dict[str, Any]", answer.json()) if answer.content else {}
