"""The page on which operators find all reports to a client: as readers got them, and as a PDF. HTML, pure."""

from collections.abc import Collection, Sequence
from functools import cache

from jinja2 import Template

from widerview.pipeline.pages import templates
from widerview.report.clean_text import clean
from widerview.warehouse.reports import Report


def archive_page(client: str, dag_id: str, reports: Sequence[Report], left: Collection[tuple[str, int]]) -> str:
    """Write the page.

    Args:
        client: The client's name.
        dag_id: Its report DAG.
        reports: The newest first.
        left: Period and revision of those that have been sent, or may have been.
    """
    return _template().render(client=client, dag_id=dag_id, reports=reports, left=left)


@cache
def _template() -> Template:
    return templates(words=clean).get_template("archive_page.html.j2")
