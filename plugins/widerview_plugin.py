"""What operators see of Widerview inside the Airflow UI: reports as their readers will, and what the gate found."""

from typing import Any

from airflow.api_fastapi.core_api.security import requires_access_dag
from airflow.plugins_manager import AirflowPlugin
from fastapi import Depends, FastAPI, HTTPException, status
from fastapi.responses import HTMLResponse

from widerview.pipeline.catalogue import PAGES_PREFIX, client_of_report_dag, source_of_ingest_dag

# Airflow serves a plugin's routes to anybody, so each one asks for a user who may see the DAG it belongs to.
app = FastAPI(title="Widerview", docs_url=None, redoc_url=None, openapi_url=None)

NOTHING_IS_LOADED = {"Content-Security-Policy": "default-src 'none'; img-src data:; style-src 'unsafe-inline'; sandbox"}


@app.get("/reports/{dag_id}/{period}/{revision}", dependencies=[Depends(requires_access_dag("GET"))])
def report(dag_id: str, period: str, revision: int) -> HTMLResponse:
    """Show one revision of a client's report, as the mail looks; until it is approved, without a note."""
    from widerview.pipeline import steps

    html = steps.preview(client_of_report_dag(dag_id), period, revision)
    if html is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND, f"No report {period} revision {revision} of {dag_id}")
    return HTMLResponse(html, headers=NOTHING_IS_LOADED)


@app.get("/checks/{dag_id}/{run_id}", dependencies=[Depends(requires_access_dag("GET"))])
def checks(dag_id: str, run_id: str, client: str | None = None, account: str | None = None) -> HTMLResponse:
    """Show what the gate found in a run of an ingest DAG: of the accounts that need a look most, or of one."""
    from widerview.pipeline import steps

    source = source_of_ingest_dag(dag_id)
    html = source and steps.checks_page(source, run_id, client, account)
    if not html:
        raise HTTPException(status.HTTP_404_NOT_FOUND, f"Nothing was pulled by the run {run_id} of {dag_id}")
    return HTMLResponse(html, headers=NOTHING_IS_LOADED)


class WiderviewPlugin(AirflowPlugin):
    """Registers the pages above with Airflow."""

    name = "widerview"
    fastapi_apps: list[Any] = [{"app": app, "url_prefix": PAGES_PREFIX, "name": "Widerview"}]  # noqa: RUF012 - Airflow's contract
