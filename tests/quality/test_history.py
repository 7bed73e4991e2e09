"""What a pull says beside what had been known before it: every check of `widerview.quality.history`."""

import datetime as dt
from typing import Any

import msgspec
import pytest
from test_gate import (
    ENDED,
    THURSDAY,
    WEEK,
    account,
    colours,
    counter,
    day_row,
    held,
    only,
    post,
    social,
    social_week,
    verdict,
    web,
)

from widerview.quality.gate import check
from widerview.quality.past import KnownDay, KnownPost, Past, Series
from widerview.quality.verdict import CheckResult, Flaw
from widerview.sources.base import Counts, DayRow, Row

pytestmark = pytest.mark.filterwarnings("ignore:Series.values returning an ndarray")

VISITS = Series("1", "total", "visits")
LONG_AGO = ENDED - dt.timedelta(days=20)
EIGHT_WEEKS = [WEEK[0] - dt.timedelta(days=ago) for ago in range(1, 57)]


def usual(day: dt.date) -> float:
    """What a site has on a day, weekends less."""
    return (60.0 if day.weekday() >= 5 else 100.0) + 13 * (day.day % 4)


def known_days(*days: dt.date, lag: int = 5) -> dict[dt.date, KnownDay]:
    at = {day: dt.datetime.combine(day, dt.time(6), dt.UTC) + dt.timedelta(days=lag) for day in days}
    return {day: KnownDay(usual(day), at[day]) for day in days}


def site(changes: dict[dt.date, float | None] | None = None, *, known: Past | None = None, **more: Any) -> CheckResult:
    """A week of a site with a past, some days of it changed; None leaves a day out."""
    values: dict[dt.date, float | None] = {day: usual(day) for day in WEEK} | (changes or {})
    rows = [day_row(day=day, value=value) for day, value in values.items() if value is not None]
    past = known or Past(days={VISITS: known_days(*EIGHT_WEEKS) | known_days(*WEEK[:5], lag=3)})
    return only(web(*rows, past=past, **more))


def failed(result: CheckResult) -> dict[str, int]:
    return {outcome.check: outcome.failed for outcome in result.outcomes if outcome.failed}


class TestDays:
    def test_a_usual_week_is_green_and_every_check_has_judged_something(self):
        result = site(ended_at=ENDED + dt.timedelta(days=2))
        assert (colours(result), held(result), failed(result)) == ("ggggggg", {}, {})
        judged = {outcome.suite: 0 for outcome in result.outcomes}
        for outcome in result.outcomes:
            judged[outcome.suite] += outcome.judged
        assert judged["series of days"] > 4
        assert judged["days beside the past"] > 10

    def test_a_site_without_a_past_has_nothing_to_be_held_against(self):
        assert colours(site({day: usual(day) * 1000 for day in WEEK}, known=Past())) == "ggggggg"

    def test_thousands_are_held_and_red(self):
        result = site({day: usual(day) * 1000 for day in WEEK})
        assert colours(result) == "rrrrrrr"
        assert len(result.rejected) == 7
        assert "more than 20 times the most of any day" in result.rejected[0].reason

    def test_thousandths_are_held_and_red(self):
        assert colours(site({day: float(round(usual(day) / 100)) for day in WEEK})) == "rrrrrrr"

    def test_one_day_far_above_is_told_and_let_through(self):
        result = site({THURSDAY: 1000.0})
        assert (colours(result), held(result)) == ("gggaggg", {})
        assert "far more than on any day" in " ".join(verdict(result).reasons)

    def test_a_good_week_is_no_fault(self):
        assert colours(site({WEEK[5]: 480.0, WEEK[6]: 500.0})) == "ggggggg"

    def test_a_day_that_is_hardly_there_is_told(self):
        result = site({WEEK[-1]: 9.0})
        assert (colours(result), held(result)) == ("gggggga", {})
        assert verdict(result, WEEK[-1]).reasons == (
            "Matomo gave 9 website visits for 15 November, far less than on any such weekday of eight weeks.",
        )

    def test_a_settled_day_that_doubles_is_told(self):
        result = site({THURSDAY: 2 * usual(THURSDAY)})
        assert verdict(result).reasons == ("Matomo gave 100 website visits for 12 November before, and now gives 200.",)

    def test_a_day_that_had_not_settled_may_still_rise(self):
        early = Past(days={VISITS: known_days(*EIGHT_WEEKS) | known_days(*WEEK[:5], lag=1)})
        assert colours(site({day: 2 * usual(day) for day in WEEK[:5]}, known=early)) == "ggggggg"

    @pytest.mark.parametrize("shift", [-1, 1])
    def test_days_that_stand_beside_their_place_are_held(self, shift: int):
        moved = {day: usual(day + dt.timedelta(days=shift)) for day in WEEK}
        result = site(moved)
        assert colours(result) == "rrrrrrr"
        assert f"shifted by {shift}" in result.rejected[0].reason

    def test_where_days_are_shifted_the_first_may_hold_anything(self):
        moved = {day: usual(day - dt.timedelta(days=1)) for day in WEEK}
        assert colours(site(moved | {WEEK[0]: 400.0})) == "rrrrrrr"

    def test_a_site_of_a_few_visits_may_look_shifted_by_chance(self):
        few = {day: KnownDay(float(2 + day.day % 3), known.observed_at)
               for day, known in (known_days(*EIGHT_WEEKS) | known_days(*WEEK[:5], lag=3)).items()}  # fmt: skip
        values = {day: float(2 + (day - dt.timedelta(days=1)).day % 3) for day in WEEK}
        assert colours(site(values | {WEEK[0]: 9.0}, known=Past(days={VISITS: few}))) == "ggggggg"

    def test_another_sites_numbers_are_held(self):
        result = site({day: 31.0 + 2 * day.weekday() for day in WEEK})
        assert colours(result) == "rrrrrrr"
        assert "another website" in result.rejected[0].reason

    def test_zeros_throughout_where_there_never_was_one_are_held(self):
        result = site(dict.fromkeys(WEEK, 0.0), known=Past(days={VISITS: known_days(*EIGHT_WEEKS)}))
        assert colours(result) == "rrrrrrr"
        assert "is it still measured" in result.rejected[0].reason

    def test_one_day_of_nothing_does_not_make_a_week_of_it_usual(self):
        days = known_days(*EIGHT_WEEKS) | {EIGHT_WEEKS[3]: KnownDay(0.0, LONG_AGO)}
        assert colours(site(dict.fromkeys(WEEK, 0.0), known=Past(days={VISITS: days}))) == "rrrrrrr"

    def test_a_site_that_is_closed_at_times_may_have_zeros(self):
        closed = {day: KnownDay(0.0, LONG_AGO) for day in EIGHT_WEEKS if day.weekday() == 6}
        result = site(dict.fromkeys(WEEK, 0.0), known=Past(days={VISITS: known_days(*EIGHT_WEEKS) | closed}))
        assert held(result) == {}
        assert colours(result) == "aaaaaag", "green on the weekday that has been closed before"

    def test_visitors_that_are_no_longer_told_are_missed(self):
        visitors = Series("1", "total", "unique_visitors")
        past = Past(days={VISITS: known_days(*EIGHT_WEEKS), visitors: known_days(*EIGHT_WEEKS)})
        result = site(known=past)
        assert colours(result) == "aaaaaaa"
        assert verdict(result).reasons == ("Matomo no longer gives visitors.",)

    def test_the_end_of_a_campaign_is_recorded_and_no_more(self):
        past = Past(
            days={VISITS: known_days(*EIGHT_WEEKS), Series("1", "campaign", "visits"): known_days(*EIGHT_WEEKS)}
        )
        result = site(known=past)
        assert colours(result) == "ggggggg"
        assert failed(result) == {"a split that was told every day is still told": 1}

    def test_a_day_left_out_of_an_accounts_days_is_told(self):
        series = Series("did:1", "total", "views")
        rows = [views(day) for day in WEEK if day != THURSDAY]
        result = only(social(*social_week(), *rows, past=Past(days={series: known_days(*EIGHT_WEEKS)})))
        assert verdict(result).reasons == ("Bluesky left out views of 12 November.",)

    @pytest.mark.parametrize(("tells_after", "found"), [(0, "aaaaaaa"), (72, "gggggaa")])
    def test_days_may_be_as_late_as_the_source_says(self, tells_after: int, found: str):
        series = Series("did:1", "total", "views")
        pull = social(
            *social_week(),
            *(views(day) for day in WEEK[:-2]),
            past=Past(days={series: known_days(*EIGHT_WEEKS)}),
            tells_after=dt.timedelta(hours=tells_after),
        )
        result = only(pull)
        assert colours(result) == found
        assert {flaw.kind for each in result.verdicts for flaw in each.flaws} == {"early" if tells_after else "late"}


def views(day: dt.date) -> DayRow:
    row = day_row(day=day, entity="account", entity_id="did:1", metric="views", value=usual(day))
    return msgspec.structs.replace(row, source="bluesky")


def known_post(number: int, counts: Counts, **changes: Any) -> KnownPost:
    published = dt.datetime.combine(WEEK[0], dt.time(8 + number), dt.UTC)
    known = KnownPost(
        account_id="did:1",
        published_at=published,
        observed_at=published + dt.timedelta(days=4),
        text=f"Loaf {number}",
        counts=counts,
    )
    return msgspec.structs.replace(known, **changes)


def seen(number: int, counts: Counts) -> Row:
    known = known_post(number, counts)
    return post(post_id=f"p{number}", published_at=known.published_at, text=known.text, counts=counts)


def profile(*counts: Counts, now: list[Counts | None], **more: Any) -> CheckResult:
    """An account that had posts with some counts, and what they are now; None: it is not listed."""
    past = Past(
        posts={f"p{number}": known_post(number, each) for number, each in enumerate(counts)},
        counts={"did:1": {"followers": 1200}},
    )
    rows = [seen(number, each) for number, each in enumerate(now) if each is not None]
    return only(social(account(**more), *rows, past=past))


class TestPosts:
    def test_what_grows_is_green(self):
        before, now = [{"likes": 20, "views": 300}] * 5, [{"likes": 31, "views": 420}] * 5
        result = profile(*before, now=[*now], counts={"followers": 1190})
        assert (colours(result), held(result), failed(result)) == ("ggggggg", {}, {"running totals do not fall": 1})

    def test_a_like_may_be_taken_back_and_a_view_not(self):
        result = profile({"likes": 20, "views": 300}, now=[{"likes": 19, "views": 250}])
        assert held(result) == {(1, "views"): "views of post p0 fell from 300 to 250, and such a number cannot fall"}
        assert failed(result)["running totals do not fall"] == 1, "what cannot be is not told as if it could"
        assert colours(result) == "agggggg"

    @pytest.mark.parametrize(("was", "now"), [(300, 296), (10, 9), (2, 0)])
    def test_robots_may_be_taken_out_of_views(self, was: int, now: int):
        result = profile({"views": was}, now=[{"views": now}])
        assert (held(result), failed(result)) == ({}, {"running totals do not fall": 1})

    def test_other_units_are_held(self):
        result = profile(*[{"likes": 20}] * 4, now=[{"likes": 20_000}] * 4)
        assert len(result.rejected) == 4
        assert "other units" in result.rejected[0].reason
        assert colours(result)[0] == "r"

    def test_posts_that_were_young_when_last_seen_may_grow_as_they_like(self):
        young = dt.datetime.combine(WEEK[0], dt.time(12), dt.UTC)
        past = Past(posts={f"p{n}": known_post(n, {"likes": 9}, observed_at=young) for n in range(4)})
        assert held(only(social(account(), *(seen(n, {"likes": 2000}) for n in range(4)), past=past))) == {}

    @pytest.mark.parametrize(("likes", "colour"), [(10, "r"), (15, "g")])
    def test_likes_that_go_from_all_posts_are_held(self, likes: int, colour: str):
        result = profile(*[{"likes": 20}] * 4, now=[{"likes": likes}] * 4)
        assert colours(result)[0] == colour
        assert set(held(result).values()) == (
            {"likes of 4 settled posts fell from 80 to 40 altogether"} if colour == "r" else set()
        )

    @pytest.mark.parametrize(("swapped", "is_held"), [(2, False), (3, True)])
    def test_likes_that_stand_at_other_posts_are_held_though_they_add_up(self, swapped: int, is_held: bool):
        before = [{"likes": 10}] * (8 - swapped) + [{"likes": 60}] * swapped
        result = profile(*before, now=[*reversed(before)])
        assert bool(held(result)) == is_held
        if is_held:
            assert "likes fell by more than a fifth in 38% of the settled posts" in result.rejected[0].reason

    def test_followers_that_are_gone_are_held(self):
        result = profile({"likes": 20}, now=[{"likes": 20}], counts={"followers": 0})
        assert held(result) == {(0, "followers"): "followers of account did:1 fell from 1200 to 0"}

    @pytest.mark.parametrize("now", [{"likes": 20}, {"likes": 20, "views": None}])
    def test_a_number_that_most_posts_have_lost_is_missed(self, now: Counts):
        result = profile(*[{"likes": 20, "views": 300}] * 4, now=[now] * 4)
        assert "Bluesky no longer gives views for most posts." in verdict(result).reasons
        assert (colours(result), held(result)) == ("aaaaaaa", {}), "a report does not lead with them"
        assert verdict(result).flaws == (Flaw("not given", "views"),)

    @pytest.mark.parametrize(
        ("lost", "since", "colour", "share"),
        [
            (4, None, "r", "most"), (3, None, "r", "most"), (2, None, "a", "some"), (1, None, "g", ""),
            (4, dt.timedelta(days=6), "r", "most"), (4, dt.timedelta(days=7), "a", "most"),
        ],
    )  # fmt: skip
    def test_a_loss_of_what_a_report_leads_with_is_red_while_it_is_news(
        self, lost: int, since: dt.timedelta | None, colour: str, share: str
    ):
        """A metric that is given up holds the one report that a person looks at, and not every one for ever."""
        lost_at = {"likes": ENDED - since} if since else {}
        past = Past(posts={f"p{n}": known_post(n, {"likes": 20}, lost_at=lost_at) for n in range(5)})
        rows = [seen(n, {"likes": None if n < lost else 20}) for n in range(5)]
        result = only(social(account(), *rows, past=past))
        assert colours(result) == colour * 7
        if share:
            assert verdict(result).reasons == (f"Bluesky no longer gives likes for {share} posts.",)
        else:
            assert list(failed(result)) == ["a metric is still told of every post that had it"]

    def test_a_few_likes_that_are_lost_hold_no_report(self):
        assert colours(profile(*[{"likes": 2}] * 4, now=[{"likes": None}] * 4)) == "aaaaaaa"

    def test_new_posts_do_not_hide_what_the_others_have_lost(self):
        past = Past(posts={f"p{n}": known_post(n, {"likes": 20} if n < 4 else {}) for n in range(10)})
        result = only(social(account(), *(seen(n, {"likes": None}) for n in range(10)), past=past))
        assert colours(result) == "rrrrrrr"

    @pytest.mark.parametrize(("held_ones", "colour"), [(4, "a"), (5, "r")])
    def test_where_most_likes_are_held_no_day_is_believed(self, held_ones: int, colour: str):
        """Though no day has more than a few posts, and all else of them is right."""
        rows = [
            post(
                post_id=f"p{n}", text=f"Loaf {n}", counts={"likes": -1 if n < held_ones else 20, "reposts": 2},
                published_at=dt.datetime.combine(WEEK[n % 7], dt.time(9 + n), dt.UTC),
            )
            for n in range(9)
        ]  # fmt: skip
        result = only(social(account(), *rows))
        assert len(held(result)) == held_ones
        assert set(colours(result)) == ({"r"} if colour == "r" else {"a", "g"})

    def test_a_number_that_comes_apart_from_its_post_is_not_missed(self):
        past = Past(posts={f"p{n}": known_post(n, {"likes": 20, "views": 300}) for n in range(4)})
        published = [known_post(n, {}).published_at for n in range(4)]
        rows = [seen(n, {"likes": 20}) for n in range(4)]
        rows += [counter(post_id=f"p{n}", published_at=at, counts={"views": 9}) for n, at in enumerate(published)]
        result = only(social(account(), *rows, past=past))
        assert verdict(result, WEEK[0]).reasons == (
            "4 numbers of 9 November from Bluesky cannot be right and are left out.",
        )
        assert list(held(result)) == [(index, "views") for index in range(5, 9)]

    def test_each_account_of_a_batch_has_a_past_of_its_own(self):
        new = social(account("bank"), post("bank", post_id="p0", counts={"views": 1}), client="bank")
        known = Past(posts={"p0": known_post(0, {"views": 300})})
        results = check([new, social(account(), seen(0, {"views": 250}), past=known), new])
        assert [list(held(result)) for result in results] == [[], [(1, "views")], []]

    def test_an_active_account_without_posts_is_red(self):
        result = profile(*[{"likes": 20}] * 4, now=[])
        assert colours(result) == "rrrrrrr"
        assert verdict(result).reasons == ("Bluesky lists none of the 4 posts that were there before.",)

    def test_half_of_the_posts_gone_is_told(self):
        result = profile(*[{"likes": 20}] * 8, now=[{"likes": 20}] * 4)
        assert "Bluesky no longer lists 4 of 8 posts that were there before." in verdict(result).reasons

    def test_a_post_may_be_deleted(self):
        result = profile(*[{"likes": 20}] * 8, now=[{"likes": 20}] * 7)
        assert (colours(result), failed(result)) == ("ggggggg", {"no post that was known is gone": 1})

    def test_a_post_under_a_second_id_is_held(self):
        known = known_post(0, {"likes": 20})
        again = post(post_id="other", published_at=known.published_at, text=known.text)
        result = only(social(account(), seen(0, {"likes": 20}), again, past=Past(posts={"p0": known})))
        assert held(result) == {2: "post other has the words and the second of another post"}

    def test_posts_and_profiles_of_others_are_held(self):
        result = only(social(account(handle="bank.example", account_id="did:2"), post()))
        assert held(result) == {
            0: "the account shown is bank.example (did:2), and bakery.example was asked for",
            1: "post p1 is of the account did:1, which is not the one shown",
        }
        assert colours(result) == "rrrrrrr"

    def test_reach_is_never_more_than_what_was_shown(self):
        rows = [msgspec.structs.replace(views(day), value=400.0) for day in WEEK]
        rows += [msgspec.structs.replace(views(day), metric="reach", value=300.0) for day in WEEK if day != THURSDAY]
        rows.append(msgspec.structs.replace(views(THURSDAY), metric="reach", value=900.0))
        result = only(social(*social_week(), *rows, metrics=("followers", "likes", "reposts", "views", "reach")))
        assert list(held(result).values()) == ["more reach (900) than views (400) on 2026-11-12"]


def test_a_fraction_of_a_visit_is_held():
    assert "what is counted is whole" in next(iter(held(site({THURSDAY: 12.5})).values()))
