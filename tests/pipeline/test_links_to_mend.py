"""What a reviewer is told of the week's links, and the client is not."""

import datetime as dt
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import text

from house import SETTLED, House
from widerview.measures.weeks import Week
from widerview.pipeline import steps, weekly
from widerview.tagging.posts import Untidy

WEEK = Week.parse("2026-W46")
BAKERY = "hollow-oak-bakery"


def untag_a_post(house: House) -> str:
    """Let the bakery's latest post of the week with a link carry it without tags, and give that post's page."""
    first, end = WEEK.bounds(house.agency.clients[BAKERY].zone)
    with house.engine.begin() as connection:
        return str(
            connection.execute(
                text(
                    "UPDATE post SET links = ARRAY['https://hollowoak.example/a|b'], tags = '{}' "
                    "WHERE client_id = :client AND source = 'bluesky' AND post_id = (SELECT post_id FROM post "
                    "WHERE client_id = :client AND source = 'bluesky' AND cardinality(links) > 0 "
                    "AND published_at >= :first AND published_at < :end ORDER BY published_at DESC LIMIT 1) "
                    "AND links IS NOT NULL RETURNING permalink"
                ),
                {"client": BAKERY, "first": first, "end": end},
            ).scalar()
        )


@pytest.mark.parametrize("client", [BAKERY, "tidewater-cycles", "lantern-lane"])
def test_the_sandboxs_own_links_are_all_as_planned(told: House, client: str) -> None:
    for week in (WEEK.shift(-ago) for ago in range(4)):
        assert weekly.untidy_links(told.engine, told.agency.clients[client], week, SETTLED) == []


def test_the_reviewer_reads_which_links_to_mend_and_the_mail_says_nothing(
    told: House, airflow_home: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WIDERVIEW_CLIENTS", str(told.root / "clients"))
    monkeypatch.setattr(steps.connections, "warehouse", lambda: told.engine)
    monkeypatch.setattr(steps, "present", lambda *_: SETTLED)
    run = SimpleNamespace(conf={"period": str(WEEK)}, run_after=SETTLED)
    assert "to mend" not in steps.compose(BAKERY, {"dag_run": run})["preview"]

    untag_a_post(told)
    composed = steps.compose(BAKERY, {"dag_run": run})
    head = composed["preview"].split("\n\n")[:3]
    assert "not in the mail" in head[1]
    assert "`https://hollowoak.example/a%7Cb`: it carries no tags" in head[2]
    assert "Right: `https://hollowoak.example/a%7Cb?utm_source=bluesky&utm_medium=social&utm_campaign=" in head[2]
    mail = steps.preview(BAKERY, composed["period"], composed["revision"])
    assert mail
    assert "carries no tags" not in mail


def test_a_long_list_is_cut_and_no_link_of_a_post_becomes_markdown() -> None:
    hostile = Untidy(
        "bluesky", dt.date(2026, 11, 10), "", "https://a.example/`](javascript:x)\n# big", "[x](y) `z`", None
    )
    listed = weekly.links_to_mend([hostile] * 9)
    lines = listed.splitlines()
    assert len(lines) == 2 + 8 + 1
    assert lines[2].startswith("- Bluesky, 10 November: `https://a.example/%60%5D(javascript:x)%0A#%20big`")
    assert lines[2].endswith(r"\[x\]\(y\) \`z\`.")
    assert lines[-1] == "- and 1 more: `widerview links`"
    assert weekly.links_to_mend([]) == ""
