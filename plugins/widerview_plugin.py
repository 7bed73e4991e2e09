"""What operators see of Widerview inside the Airflow UI: reports as readers will, what the gate found, the outbox."""

from typing import Annotated, Any
from urllib.parse import quote, urlsplit

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.core_api.security import GetUserDep, requires_access_dag
from airflow.plugins_manager import AirflowPlugin
from fastapi import Depends, FastAPI, Form, HTTPException, Request, status
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from widerview.pipeline.catalogue import PAGES_PREFIX, client_of_report_dag, report_dag_id, source_of_ingest_dag

# Airflow serves a plugin's routes to anybody, so each one asks for a user who may see the DAG it belongs to. The one
# exception are recipients who unsubscribe.
app = FastAPI(title="Widerview", docs_url=None, redoc_url=None, openapi_url=None)

FORMS_STAY_HERE = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
    "frame-ancestors 'self'",
    # With no-referrer, browsers send these very forms with `Origin: null`, and without HTTPS with no other sign.
    "Referrer-Policy": "same-origin",
}
NOTHING_IS_LOADED = {"Content-Security-Policy": "default-src 'none'; img-src data:; style-src 'unsafe-inline'; sandbox"}


@app.get("/reports/{dag_id}/{period}/{revision}", dependencies=[Depends(requires_access_dag("GET"))])
def report(dag_id: str, period: str, revision: int) -> HTMLResponse:
    """Show one revision of a client's report, as the mail looks; until it is approved, without a note."""
    from widerview.pipeline import steps

    html = steps.preview(client_of_report_dag(dag_id), period, revision)
    if html is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND, f"No report {period} revision {revision} of {dag_id}")
    return HTMLResponse(html, headers=NOTHING_IS_LOADED)


@app.get("/reports/{dag_id}", dependencies=[Depends(requires_access_dag("GET"))])
def reports(dag_id: str) -> HTMLResponse:
    """List all reports to a client, as they were sent."""
    from widerview.pipeline import steps

    return HTMLResponse(steps.archive(client_of_report_dag(dag_id)), headers=FORMS_STAY_HERE)


@app.get("/reports/{dag_id}/{period}/{revision}/pdf", dependencies=[Depends(requires_access_dag("GET"))])
def report_file(dag_id: str, period: str, revision: int) -> Response:
    """Give one revision of a client's report as a PDF."""
    from widerview.pipeline import steps
    from widerview.report.pdf import NoPdf

    try:
        found = steps.report_file(client_of_report_dag(dag_id), period, revision)
    except NoPdf as error:
        raise HTTPException(status.HTTP_503_SERVICE_UNAVAILABLE, str(error)) from error
    if found is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND, f"No report {period} revision {revision} of {dag_id}")
    name, content = found
    return Response(
        content, media_type="application/pdf", headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


@app.get("/checks/{dag_id}/{run_id}", dependencies=[Depends(requires_access_dag("GET"))])
def checks(dag_id: str, run_id: str, client: str | None = None, account: str | None = None) -> HTMLResponse:
    """Show what the gate found in a run of an ingest DAG: of the accounts that need a look most, or of one."""
    from widerview.pipeline import steps

    source = source_of_ingest_dag(dag_id)
    html = source and steps.checks_page(source, run_id, client, account)
    if not html:
        raise HTTPException(status.HTTP_404_NOT_FOUND, f"Nothing was pulled by the run {run_id} of {dag_id}")
    return HTMLResponse(html, headers=NOTHING_IS_LOADED)


@app.get("/outbox")
def outbox(user: GetUserDep, done: str | None = None) -> HTMLResponse:
    """Show what waits for a person in the outbox, of those clients whose DAG the user may change."""
    from widerview.pipeline import steps

    dags = get_auth_manager().get_authorized_dag_ids(user=user, method="PUT")
    clients = {client_of_report_dag(dag_id) for dag_id in dags if dag_id.startswith(report_dag_id(""))}
    return HTMLResponse(steps.outbox_page(clients, user.get_name(), done), headers=FORMS_STAY_HERE)


@app.post("/outbox/{dag_id}/{period}/{revision}", dependencies=[Depends(requires_access_dag("PUT"))])
def resolve(
    request: Request,
    user: GetUserDep,
    dag_id: str,
    period: str,
    revision: int,
    recipient: Annotated[str, Form()],
    what: Annotated[str, Form()],
    why: Annotated[str, Form(max_length=300)] = "",
) -> RedirectResponse:
    """Carry out what a person has decided of a mail, in their name."""
    from widerview.delivery.outbox import OutboxConflict
    from widerview.pipeline import steps

    _refuse_other_sites(request)
    try:
        steps.resolve(client_of_report_dag(dag_id), period, revision, recipient, what, why, user.get_name())
    except (ValueError, LookupError) as error:
        raise HTTPException(status.HTTP_400_BAD_REQUEST, str(error)) from error
    except OutboxConflict as error:
        raise HTTPException(status.HTTP_409_CONFLICT, str(error)) from error
    return RedirectResponse(f"../../../outbox?done={quote(what)}", status.HTTP_303_SEE_OTHER)


@app.get("/unsubscribe/{token}")
def ask_to_unsubscribe(token: str) -> HTMLResponse:
    """Show a recipient a button. Open to everybody, since recipients have no login; the token is signed.

    Nothing is done yet: programs that look for viruses follow every link in a mail.
    """
    return _unsubscribe(token, now=False)


@app.post("/unsubscribe/{token}")
def unsubscribe(token: str) -> HTMLResponse:
    """Send a recipient no more reports about this client (RFC 8058). Open to everybody, like the page before."""
    return _unsubscribe(token, now=True)


def _unsubscribe(token: str, *, now: bool) -> HTMLResponse:
    from widerview.pipeline import steps

    page, is_ours = steps.unsubscribe_page(token, now=now)
    return HTMLResponse(page, status.HTTP_200_OK if is_ours else status.HTTP_404_NOT_FOUND, headers=FORMS_STAY_HERE)


def _refuse_other_sites(request: Request) -> None:
    """Refuse a form that another website has sent with this user's cookie. Browsers name the site in `Origin`."""
    origin = request.headers.get("origin")
    same_origin = request.headers.get("sec-fetch-site") == "same-origin"
    if origin is not None and not same_origin and urlsplit(origin).netloc != request.headers.get("host"):
        raise HTTPException(status.HTTP_403_FORBIDDEN, "This form was sent from another website")


class WiderviewPlugin(AirflowPlugin):
    """Registers the pages above with Airflow."""

    name = "widerview"
    fastapi_apps: list[Any] = [{"app": app, "url_prefix": PAGES_PREFIX, "name": "Widerview"}]  # noqa: RUF012 - Airflow's contract
    external_views: list[Any] = [  # noqa: RUF012 - Airflow's contract
        {"name": "Outbox", "href": f"{PAGES_PREFIX}/outbox", "destination": "nav", "url_route": "outbox"}
    ]
