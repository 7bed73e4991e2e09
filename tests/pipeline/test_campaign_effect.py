"""What a campaign has added to the website, from the warehouse to the mail, against the sandbox's truth."""

import datetime as dt

from house import ANCHOR, SETTLED, House
from widerview.measures.weeks import Week
from widerview.pipeline import weekly
from widerview.report.render import render
from widerview.sources.base import Window

WEEK = Week.of(ANCHOR).shift(-1)


def test_the_true_added_visits_lie_in_the_printed_range(told: House) -> None:
    facts = weekly.compose_facts(told.engine, told.agency.clients["hollow-oak-bakery"], WEEK, SETTLED)
    [campaign] = facts.campaigns
    effect = campaign.effect
    assert effect is not None
    assert effect.low is not None
    assert effect.high is not None
    truth = sum(
        told.sandbox.model.truth("hollow-oak-bakery", week.monday).campaign_added_visits
        for week in (WEEK.shift(-1), WEEK)
    )
    assert (effect.verdict, effect.days, effect.controls) == ("more", 14, ("website",))
    assert effect.placebos >= 20
    assert effect.low <= truth / 14 <= effect.high
    mail = render(facts)
    for text in (mail.html, mail.text, mail.markdown):
        assert f"So far: about {round(effect.average or 0)} more visits a day" in " ".join(
            text.replace("\\", "").split()
        )
        assert "caused" not in text


def test_of_a_campaign_in_its_first_days_of_reading_nothing_is_known(house: House) -> None:
    """A website that has been read for a week only."""

    house.sandbox.now[0] = SETTLED
    house.ingest(Window(WEEK.monday, ANCHOR + dt.timedelta(days=7)), "only")
    facts = weekly.compose_facts(house.engine, house.agency.clients["hollow-oak-bakery"], WEEK, SETTLED)
    [campaign] = facts.campaigns
    assert campaign.effect is not None
    assert campaign.effect.verdict == "not known"
    assert campaign.effect.why == "not enough past"
    assert "Too few days before it are known" in render(facts).text
