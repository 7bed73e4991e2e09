"""The page on which operators see the outbox, and the one on which recipients unsubscribe: HTML, nothing is done here.

No scripts, nothing from elsewhere. Mail servers' answers come from strangers: invisible characters are removed first,
the templates escape the rest.
"""

import datetime as dt
from collections.abc import Sequence
from functools import cache

from jinja2 import Environment

from widerview.delivery.outbox import Entry
from widerview.delivery.suppression import Suppression
from widerview.pipeline.outgoing import DECISIONS
from widerview.pipeline.pages import templates
from widerview.report.clean_text import clean

_LEFT_ALONE = "suppressed"


def outbox_page(rows: Sequence[Entry], left_alone: Sequence[Suppression], user: str, done: str | None = None) -> str:
    """Write the page: mails that wait for a person first, then those on their way, then who is left alone.

    `done` is what has just been decided, as in `DECISIONS`; anything else is not shown.
    """
    return _templates().get_template("outbox_page.html.j2").render(
        waiting=[row for row in rows if row.waits],
        due=[row for row in rows if not (row.waits or row.is_over or row.state == _LEFT_ALONE)],
        left_alone=left_alone,
        decisions=DECISIONS,
        user=user,
        done=DECISIONS.get(done or ""),
    )  # fmt: skip


def unsubscribe_page(client: str | None, *, done: bool) -> str:
    """Write the page for a recipient; `client` is its name, None for a link that does not work."""
    return _templates().get_template("unsubscribe_page.html.j2").render(client=client, done=done)


@cache
def _templates() -> Environment:
    return templates(words=clean, instant=_instant)


def _instant(moment: dt.datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
