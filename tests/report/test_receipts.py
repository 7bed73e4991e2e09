"""Every number that the text of a mail prints has an id, and each kind of number says where its formula is told."""

import importlib
import re
from pathlib import Path

import msgspec
import pytest

from facts_samples import SAMPLES, good_week
from figures_in_text import distinct, without_receipt
from widerview.report.receipts import KINDS, printed_numbers

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("sample", SAMPLES)
def test_every_number_of_the_text_has_an_id(sample: str) -> None:
    facts = SAMPLES[sample]()
    assert without_receipt(facts) == []
    assert without_receipt(distinct(facts)) == []


def test_a_number_without_an_id_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = distinct(good_week())
    without = {name: each for name, each in printed_numbers(facts).items() if name != "post/1/times"}
    monkeypatch.setattr("figures_in_text.printed_numbers", lambda facts: without)
    missing = without_receipt(facts)
    assert missing
    assert all("the usual" in line or "what is usual there" in line for line in missing), missing


def test_ids_have_no_blanks_but_those_of_handles_and_each_is_of_one_kind() -> None:
    found = printed_numbers(good_week())
    assert {each.kind for each in found.values()} <= KINDS.keys()
    assert not [name for name in found if re.search(r"\s", name)]
    assert found["post/1/times"].text == "about 3.1 times (2.2–4.1)"
    assert found["post/1/times"].value == (3.062, 2.214, 4.083)
    assert found["visits/usual"].text == "usually 79–104"
    assert found["campaign/walnut-winter/offline/redemptions/a-roll-on-top/so-far"].text == "118"


def test_two_things_of_one_name_keep_their_ids_apart() -> None:
    facts = good_week()
    [campaign, *_] = facts.campaigns
    campaign = msgspec.structs.replace(campaign, touchpoints=campaign.touchpoints[:1] * 2)
    twice = msgspec.structs.replace(facts, campaigns=(campaign,))
    name = "campaign/walnut-winter/through/poster-in-the-market-hall/week"
    assert {name, f"{name}-2"} <= printed_numbers(twice).keys()


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_names_a_function_and_a_page_that_exist(kind: str) -> None:
    if KINDS[kind].function:
        module, _, name = KINDS[kind].function.rpartition(".")
        assert callable(getattr(importlib.import_module(module), name))
    page, _, anchor = KINDS[kind].page.partition("#")
    headings = re.findall(r"^#+ (.+)$", (ROOT / page).read_text(), flags=re.MULTILINE)
    anchors = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert not anchor or anchor in anchors, (kind, anchor)
