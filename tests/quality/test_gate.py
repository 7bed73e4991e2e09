import datetime as dt
import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from widerview.quality.gate import PullRows, check
from widerview.quality.verdict import CheckResult, DayVerdict, Flaw
from widerview.sources.base import (
    AccountRow,
    CommentRow,
    CounterRow,
    DayRow,
    PostRow,
    Row,
    Target,
    UnavailableRow,
    Window,
)

# Great Expectations 1.24 reads time zones in a way that pandas 4 will not know.
pytestmark = pytest.mark.filterwarnings("ignore:Series.values returning an ndarray")

ZONE = "Europe/Berlin"
WINDOW = Window(dt.date(2026, 11, 9), dt.date(2026, 11, 15))
WEEK = [dt.date(2026, 11, day) for day in range(9, 16)]
ENDED = dt.datetime(2026, 11, 17, 6, 0, tzinfo=dt.UTC)
THURSDAY = dt.date(2026, 11, 12)
THURSDAY_MORNING = dt.datetime(2026, 11, 12, 9, tzinfo=dt.UTC)
SOCIAL_METRICS = ("followers", "likes", "reposts", "views")
WEB_METRICS = ("visits", "unique_visitors", "bounces", "actions")


def observed(source: str, client: str, at: dt.datetime = ENDED) -> dict[str, Any]:
    return {"client_id": client, "source": source, "observed_at": at, "receipt": "0" * 64}


def account(client: str = "bakery", **changes: Any) -> AccountRow:
    row = AccountRow(
        **observed("bluesky", client),
        account_id="did:1",
        handle="bakery.example",
        name="Bakery",
        url="https://b.example",
    )
    return msgspec.structs.replace(row, **changes)


def post(client: str = "bakery", **changes: Any) -> PostRow:
    row = PostRow(
        **observed("bluesky", client),
        account_id="did:1",
        post_id="p1",
        published_at=THURSDAY_MORNING,
        kind="text",
        text="Fresh bread",
        permalink="https://b.example/p1",
    )
    return msgspec.structs.replace(row, **changes)


def counter(client: str = "bakery", **changes: Any) -> CounterRow:
    """Totals of the post, in an answer of their own."""
    row = CounterRow(
        **observed("bluesky", client),
        account_id="did:1",
        post_id="p1",
        published_at=THURSDAY_MORNING,
        counts={"likes": 12},
    )
    return msgspec.structs.replace(row, **changes)


def comment(client: str = "bakery", **changes: Any) -> CommentRow:
    row = CommentRow(
        **observed("bluesky", client),
        account_id="did:1",
        comment_id="c1",
        post_id="p1",
        published_at=THURSDAY_MORNING + dt.timedelta(hours=3),
        author="did:2",
        own=False,
        text="Is there rye, too?",
    )
    return msgspec.structs.replace(row, **changes)


def day_row(client: str = "bakery", **changes: Any) -> DayRow:
    row = DayRow(
        **observed("matomo", client),
        entity="site",
        entity_id="1",
        day=THURSDAY,
        zone=ZONE,
        dimension="total",
        member="",
        metric="visits",
        value=100.0,
    )
    return msgspec.structs.replace(row, **changes)


def social(*rows: Row, client: str = "bakery", **changes: Any) -> PullRows:
    pull = PullRows(
        target=Target(client_id=client, source="bluesky", ref="bakery.example", time_zone=ZONE),
        window=WINDOW,
        ended_at=ENDED,
        metrics=SOCIAL_METRICS,
        kind="social",
        rows=rows,
    )
    return msgspec.structs.replace(pull, **changes)


def web(*rows: Row, client: str = "bakery", **changes: Any) -> PullRows:
    pull = PullRows(
        target=Target(client_id=client, source="matomo", ref="1", time_zone=ZONE, connection="m"),
        window=WINDOW,
        ended_at=ENDED,
        metrics=WEB_METRICS,
        kind="web",
        rows=rows,
    )
    return msgspec.structs.replace(pull, **changes)


def web_week(client: str = "bakery") -> list[DayRow]:
    """A clean week: on each day visits in total and by channel, unique visitors, bounces, one value not reported."""
    rows = []
    for day in WEEK:
        for metric, value in (("visits", 100.0), ("unique_visitors", 90.0), ("bounces", 40.0), ("actions", None)):
            rows.append(day_row(client, day=day, metric=metric, value=value))
        for member, value in (("direct", 60.0), ("social", 40.0)):
            rows.append(day_row(client, day=day, dimension="channel", member=member, value=value))
    return rows


def social_week(client: str = "bakery") -> list[Row]:
    """A clean week: a post a day, its totals partly with it and partly apart, and a comment."""
    rows: list[Row] = [
        account(client, counts={"followers": 120}),
        counter(client, post_id=None, published_at=None, counts={"views": 900}),
    ]
    for day in WEEK:
        post_id = f"p{day.day}"
        at = dt.datetime.combine(day, dt.time(9), dt.UTC)
        rows.append(post(client, post_id=post_id, published_at=at, counts={"likes": 12, "reposts": None}))
        rows.append(counter(client, post_id=post_id, published_at=at, counts={"views": 300}))
        rows.append(comment(client, comment_id=f"c{day.day}", post_id=post_id, published_at=at))
    return rows


def verdict(result: CheckResult, day: dt.date = THURSDAY) -> DayVerdict:
    return next(verdict for verdict in result.verdicts if verdict.day == day)


def colours(result: CheckResult) -> str:
    """The verdicts of the window in order, a letter a day."""
    return "".join(verdict.colour[0] for verdict in result.verdicts)


def held(result: CheckResult) -> dict[int | tuple[int, str], str]:
    """Why something is held, by the row's index, or its index and metric."""
    return {
        rejected.index if rejected.metric is None else (rejected.index, rejected.metric): rejected.reason
        for rejected in result.rejected
    }


def only(pull: PullRows) -> CheckResult:
    (result,) = check([pull])
    return result


class TestCleanRows:
    def test_a_clean_batch_is_green_and_nothing_is_held(self):
        for result in check([social(*social_week()), web(*web_week())]):
            assert colours(result) == "ggggggg"
            assert result.rejected == ()
            assert all(verdict.reasons == () for verdict in result.verdicts)

    def test_verdicts_name_their_target_and_cover_the_window(self):
        result = only(web(*web_week()))
        assert [verdict.day for verdict in result.verdicts] == WEEK
        assert {(v.client_id, v.source, v.ref) for v in result.verdicts} == {("bakery", "matomo", "1")}

    def test_a_quiet_account_is_green(self):
        assert colours(only(social(account()))) == "ggggggg"

    def test_no_pulls_no_results(self):
        assert check([]) == []

    def test_a_site_nobody_visited_is_green(self):
        result = only(web(*(day_row(day=day, value=0.0) for day in WEEK)))
        assert (colours(result), held(result)) == ("ggggggg", {})

    def test_exact_duplicates_are_harmless(self):
        later = ENDED + dt.timedelta(seconds=2)
        rows = social_week()
        again = [msgspec.structs.replace(row, observed_at=later, receipt="1" * 64) for row in rows]
        for result in check([social(*rows, *rows, *again), web(*web_week(), *web_week())]):
            assert (colours(result), held(result)) == ("ggggggg", {})

    def test_what_changed_between_two_pages_is_no_contradiction(self):
        later = ENDED + dt.timedelta(seconds=2)
        rows = [account(), post(counts={"likes": 12}), comment(), post(text="Fresh bread!", observed_at=later)]
        edited = comment(text="Is there rye?", observed_at=later)
        result = only(social(*rows, edited, counter(counts={"likes": 13}, observed_at=later)))
        assert (colours(result), held(result)) == ("ggggggg", {})

    def test_posts_from_before_the_window_are_no_concern(self):
        october = {"post_id": "old", "published_at": dt.datetime(2026, 10, 1, tzinfo=dt.UTC)}
        assert colours(only(social(account(), post(**october), counter(**october), comment(**october)))) == "ggggggg"

    def test_totals_may_come_without_their_post(self):
        assert held(only(social(account(), counter(), counter(post_id=None, published_at=None)))) == {}

    def test_a_row_may_count_nothing(self):
        assert held(only(social(account(), post(), counter(counts={})))) == {}

    def test_totals_of_one_moment_may_be_spread_over_rows(self):
        rows = [post(counts={"likes": 12}), counter(counts={"views": 300}), counter(counts={"likes": 12, "views": 300})]
        assert held(only(social(account(), *rows))) == {}

    def test_an_account_and_a_post_may_have_the_same_id(self):
        one, other = post(post_id="did:1", counts={"views": 1}), account(counts={"views": 2})
        assert held(only(social(other, one))) == {}

    def test_times_may_carry_any_offset(self):
        tokyo = dt.timezone(dt.timedelta(hours=9))
        abroad = post(post_id="p2", published_at=dt.datetime(2026, 11, 12, 9, tzinfo=tokyo))
        assert held(only(social(account(), post(), abroad))) == {}

    def test_clocks_may_differ_by_seconds(self):
        result = only(social(account(), post(published_at=ENDED + dt.timedelta(seconds=40))))
        assert held(result) == {}

    @settings(max_examples=8)
    @given(st.data())
    def test_any_clean_rows_are_green(self, data: st.DataObject):
        counts = st.none() | st.integers(0, 10**12 - 1)
        rows: list[Row] = [account()]
        for number in range(data.draw(st.integers(0, 8))):
            published = ENDED - data.draw(st.timedeltas(dt.timedelta(0), dt.timedelta(days=20 * 365)))
            told = {"post_id": f"p{number}", "published_at": published}
            rows.append(post(**told, text=data.draw(st.text(max_size=20)), counts={"likes": data.draw(counts)}))
            rows.append(counter(**told, counts={"views": data.draw(counts), "reposts": data.draw(counts)}))
            rows.append(comment(**told, comment_id=f"c{number}", text=data.draw(st.text(max_size=20))))
        days: list[Row] = []
        for day in WEEK:
            parts = data.draw(st.lists(st.integers(0, 10**9), min_size=1, max_size=4))
            visits = sum(parts)
            days.append(day_row(day=day, value=float(visits)))
            days += [
                day_row(day=day, dimension="channel", member=f"c{i}", value=float(part)) for i, part in enumerate(parts)
            ]
            for metric in ("unique_visitors", "bounces"):
                value = data.draw(st.none() | st.integers(0, visits).map(float))
                days.append(day_row(day=day, metric=metric, value=value))
        shuffled = data.draw(st.permutations(days))
        for result in check([social(*rows), web(*shuffled)]):
            assert (colours(result), held(result)) == ("ggggggg", {})


class TestBadWebDays:
    @pytest.mark.parametrize(
        ("defect", "reason"),
        [
            ({"value": -1.0}, "actions is -1.0, which is no number from 0"),
            ({"value": math.nan}, "actions is nan, which is no number"),
            ({"value": math.inf}, "actions is inf, which is no number"),
            ({"value": -math.inf}, "actions is -inf, which is no number"),
            ({"value": 1e12}, "which is no number from 0 to below 10^12"),
            ({"metric": "followers"}, "'followers' is no metric that matomo is known to report"),
            ({"metric": ""}, "'' is no metric"),
            ({"entity": "planet"}, "'planet' is neither an account nor a site"),
            ({"entity_id": ""}, "entity_id is missing"),
            ({"dimension": "planet"}, "'planet' is no dimension"),
            ({"zone": "Asia/Tokyo"}, "it is a day of Asia/Tokyo, but other days of this pull are of another zone"),
            ({"zone": "Asia/Tokio"}, "'Asia/Tokio' is no IANA time zone"),
        ],
    )
    def test_a_bad_value_is_held_and_its_day_is_amber(self, defect: dict[str, Any], reason: str):
        bad = msgspec.structs.replace(day_row(metric="actions"), **defect)
        rows = [row for row in web_week() if not (row.metric == "actions" and row.day == THURSDAY)]
        result = only(web(*rows, bad))
        assert list(held(result)) == [len(rows)]
        assert reason in held(result)[len(rows)]
        assert colours(result) == "gggaggg"
        assert verdict(result).reasons == ("1 number of 12 November from Matomo cannot be right and is left out.",)

    def test_every_fault_of_a_row_is_told_in_one_reason(self):
        result = only(web(*web_week(), day_row(metric="followers", value=-3.0)))
        (reason,) = held(result).values()
        assert "no metric" in reason
        assert "-3.0" in reason

    def test_a_day_that_was_not_asked_for_is_held_and_casts_doubt_on_all(self):
        rows = web_week()
        result = only(web(*rows, day_row(day=dt.date(2026, 11, 8)), day_row(day=dt.date(2026, 11, 16))))
        assert held(result) == {
            len(rows): "2026-11-08 was not asked for: it is before 2026-11-09",
            len(rows) + 1: "2026-11-16 was not asked for: it is after 2026-11-15",
        }
        assert colours(result) == "aaaaaaa"
        assert verdict(result).reasons == ("2 numbers from Matomo cannot be right and are left out.",)

    def test_a_value_without_a_day_casts_doubt_on_all(self):
        result = only(web(*web_week(), day_row(day=None)))
        assert list(held(result).values()) == ["day is missing"]
        assert colours(result) == "aaaaaaa"

    def test_a_day_that_has_not_begun_is_held(self):
        ended = dt.datetime(2026, 11, 14, 22, 30, tzinfo=dt.UTC)  # Saturday, 23:30 in Berlin
        result = only(web(*web_week(), ended_at=ended))
        sunday = [index for index, row in enumerate(web_week()) if row.day == WEEK[-1]]
        assert list(held(result)) == sunday
        assert "had not begun in Europe/Berlin" in held(result)[sunday[0]]

    def test_days_begin_by_the_clock_of_their_own_zone(self):
        ended = dt.datetime(2026, 11, 14, 23, 30, tzinfo=dt.UTC)  # Sunday, 00:30 in Berlin
        assert held(only(web(*web_week(), ended_at=ended))) == {}

    def test_a_platform_may_count_the_days_of_another_zone_than_the_clients(self):
        ended = dt.datetime(2026, 11, 15, 7, 30, tzinfo=dt.UTC)  # Sunday in Berlin, and still Saturday in California
        days = [day_row(day=day, zone="America/Los_Angeles") for day in WEEK]
        result = only(web(*days, ended_at=ended))
        assert list(held(result)) == [6]
        assert "had not begun in America/Los_Angeles" in held(result)[6]

    def test_a_day_is_over_when_it_is_over_where_the_platform_counts(self):
        ended = dt.datetime(2026, 11, 16, 4, 0, tzinfo=dt.UTC)  # Monday in Berlin, Sunday evening in California
        days = [
            day_row(day=day, entity="account", entity_id="did:1", zone="America/Los_Angeles", metric="views")
            for day in WEEK[:-1]
        ]
        result = only(social(*social_week(), *(msgspec.structs.replace(each, source="bluesky") for each in days),
                             ended_at=ended))  # fmt: skip
        assert colours(result) == "gggggaa"
        assert [verdict(result, day).reasons for day in WEEK[-2:]] == [
            ("The numbers Bluesky gave for 14 November may still rise.",),
            ("15 November was not over when Bluesky was read.",),
        ]

    def test_an_account_and_a_site_do_not_contradict_each_other(self):
        assert held(only(web(*web_week(), day_row(entity="account", value=250.0)))) == {}

    def test_a_contradiction_holds_the_later_row(self):
        rows = [*web_week(), day_row(value=250.0), day_row(value=100.0)]
        result = only(web(*rows))
        assert held(result) == {
            len(rows) - 2: "an earlier row of the same pull says something else of the visits of 2026-11-12"
        }
        assert colours(result) == "gggaggg"

    def test_more_unique_visitors_than_visits_are_held_as_often_as_they_came(self):
        rows = [row for row in web_week() if not (row.metric == "unique_visitors" and row.day == THURSDAY)]
        bad = day_row(metric="unique_visitors", value=120.0)
        result = only(web(bad, *rows, bad))
        reason = "more unique visitors (120) than visits (100) on 2026-11-12"
        assert held(result) == {0: reason, len(rows) + 1: reason}
        assert colours(result) == "gggaggg"

    def test_more_bounces_than_visits_are_held_in_any_dimension(self):
        part = {"dimension": "campaign", "member": "advent"}
        rows = [*web_week(), day_row(**part, value=5.0), day_row(**part, metric="bounces", value=9.0)]
        result = only(web(*rows))
        assert held(result) == {len(rows) - 1: "more bounces (9) than visits (5) on 2026-11-12"}

    @pytest.mark.parametrize(
        ("visits", "visitors", "is_held"),
        [(1.0, 2.0, False), (1.0, 5.0, True), (1000.0, 1020.0, False), (1000.0, 1021.0, True)],
    )
    def test_a_part_may_be_a_little_above_its_whole(self, visits: float, visitors: float, is_held: bool):
        result = only(web(day_row(value=visits), day_row(metric="unique_visitors", value=visitors)))
        assert bool(held(result)) == is_held

    @pytest.mark.parametrize(("missing", "colour"), [(2.0, "green"), (4.0, "amber")])
    def test_channels_must_add_up_to_the_visits_within_slack(self, missing: float, colour: str):
        rows = [
            msgspec.structs.replace(row, value=40.0 - missing)
            if row.day == THURSDAY and row.member == "social"
            else row
            for row in web_week()
        ]
        result = only(web(*rows))
        assert held(result) == {}
        assert verdict(result).colour == colour
        if colour == "amber":
            sentence = "The channels Matomo gave for 12 November do not add up to its visits."
            assert verdict(result).reasons == (sentence,)

    def test_a_channel_that_is_not_reported_is_no_mismatch(self):
        rows = [*web_week(), day_row(dimension="channel", member="email", value=None)]
        assert colours(only(web(*rows))) == "ggggggg"

    def test_a_wrong_total_does_not_condemn_what_is_compared_with_it(self):
        rows = [
            msgspec.structs.replace(row, value=-100.0)
            if (row.day, row.dimension, row.metric) == (THURSDAY, "total", "visits")
            else row
            for row in web_week()
        ]
        result = only(web(*rows))
        assert [rows[index].metric for index in held(result)] == ["visits"]
        assert colours(result) == "gggrggg"
        assert verdict(result).reasons == (
            "The number of visits Matomo gave for 12 November cannot be right.",
            "1 number of 12 November from Matomo cannot be right and is left out.",
        )


class TestMissingWebDays:
    @pytest.mark.parametrize("gone", ["the day", "its visits", "the value of its visits"])
    def test_a_day_without_a_number_of_visits_is_red(self, gone: str):
        week = web_week()
        visits = day_row()
        rows = {
            "the day": [row for row in week if row.day != THURSDAY],
            "its visits": [row for row in week if row != visits],
            "the value of its visits": [day_row(value=None) if row == visits else row for row in week],
        }
        result = only(web(*rows[gone]))
        assert colours(result) == "gggrggg"
        assert verdict(result).reasons == ("Matomo gave no number of visits for 12 November.",)

    def test_an_empty_pull_is_red_throughout(self):
        assert colours(only(web())) == "rrrrrrr"

    def test_a_day_settles_a_day_after_its_end(self):
        end_of_sunday = dt.datetime(2026, 11, 15, 23, tzinfo=dt.UTC)  # midnight in Berlin
        before, after = end_of_sunday + dt.timedelta(hours=23, minutes=59), end_of_sunday + dt.timedelta(hours=24)
        unsettled, settled = check([web(*web_week(), ended_at=before), web(*web_week(), ended_at=after)])
        assert colours(unsettled) == "gggggga"
        assert verdict(unsettled, WEEK[-1]).reasons == ("The numbers Matomo gave for 15 November may still rise.",)
        assert colours(settled) == "ggggggg"

    def test_it_settles_by_hours_gone_by_where_the_clocks_change(self):
        saturday = dt.date(2026, 10, 24)  # ends at 22:00 UTC; the next day has 25 hours
        settles = dt.datetime(2026, 10, 25, 22, tzinfo=dt.UTC)
        pull = web(day_row(day=saturday), window=Window(saturday, saturday), ended_at=settles)
        early = msgspec.structs.replace(pull, ended_at=settles - dt.timedelta(minutes=1))
        assert [colours(result) for result in check([early, pull])] == ["a", "g"]

    def test_a_day_that_is_not_over_may_have_no_visits_yet(self):
        monday = dt.datetime(2026, 11, 9, 0, 30, tzinfo=dt.UTC)
        result = only(web(ended_at=monday, window=Window(WEEK[0], WEEK[0])))
        assert colours(result) == "a"
        assert result.verdicts[0].reasons == ("Matomo has no number of visits for 9 November yet.",)


class TestBadSocialRows:
    @pytest.mark.parametrize(
        ("defect", "reason"),
        [
            ({"permalink": ""}, "permalink is missing"),
            ({"kind": "hologram"}, "'hologram' is no kind of post"),
        ],
    )
    def test_a_bad_post_is_held_and_its_day_is_amber(self, defect: dict[str, Any], reason: str):
        result = only(social(account(), post(**defect), post(post_id="p2", text="Rye, too")))
        assert held(result) == {1: reason}
        assert colours(result) == "gggaggg"
        assert verdict(result).reasons == ("1 post of 12 November from Bluesky cannot be right and is left out.",)

    @pytest.mark.parametrize(
        ("published", "reason"),
        [
            (None, "published_at is missing"),
            (ENDED + dt.timedelta(hours=1), "is after observed_at"),
            (dt.datetime(1, 1, 1, tzinfo=dt.UTC), "is before there were social platforms"),
            (dt.datetime(1970, 1, 1, tzinfo=dt.UTC), "is before there were social platforms"),
        ],
    )
    def test_a_post_without_a_believable_day_makes_every_day_amber(self, published: dt.datetime | None, reason: str):
        rows = [*social_week(), post(published_at=published)]
        result = only(social(*rows))
        assert reason in held(result)[len(rows) - 1]
        assert colours(result) == "aaaaaaa"
        assert verdict(result).reasons == ("1 post from Bluesky cannot be right and is left out.",)

    @pytest.mark.parametrize(("good", "bad", "colour"), [(7, 7, "a"), (7, 8, "r"), (0, 1, "r")])
    def test_where_most_posts_are_held_no_day_is_believed(self, good: int, bad: int, colour: str):
        """However they are spread: without a day of their own they would be missing on none."""
        nowhere = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
        held = [post(post_id=f"q{n}", text=f"Loaf {n}", published_at=nowhere) for n in range(bad)]
        result = only(social(*(social_week() if good else [account()]), *held))
        assert colours(result) == colour * 7
        if colour == "r":
            assert "Most of the posts that Bluesky gave cannot be right." in verdict(result).reasons

    @pytest.mark.parametrize("field", ["account_id", "post_id"])
    def test_a_post_without_an_id_is_held(self, field: str):
        assert held(only(social(account(), post(**{field: ""})))) == {1: f"{field} is missing"}

    def test_two_versions_of_a_post_at_one_moment_hold_the_later(self):
        result = only(social(account(), post(), post(text="Stale bread")))
        assert held(result) == {2: "an earlier row of the same pull says something else of post p1"}


class TestBadTotals:
    @pytest.mark.parametrize("carrier", [account, post, counter])
    @pytest.mark.parametrize(
        ("metric", "value", "reason"),
        [
            ("likes", -5, "likes is -5, which is no number from 0"),
            ("likes", 10**12, "which is no number from 0 to below 10^12"),
            ("likes", 10**400, "which is no number from 0 to below 10^12"),
            ("telepathy", 3, "'telepathy' is no metric that bluesky is known to report"),
            ("", None, "'' is no metric"),
        ],
    )
    def test_a_bad_total_is_held_and_the_rest_of_its_row_is_good(
        self, carrier: Callable[..., Row], metric: str, value: int | None, reason: str
    ):
        bad = carrier(counts={"reposts": 1, metric: value, "views": None})
        result = only(social(account(), bad))
        assert list(held(result)) == [(1, metric)]
        assert reason in held(result)[1, metric]
        assert verdict(result).colour == "amber"
        assert "1 number" in verdict(result).reasons[0]

    def test_each_bad_total_of_a_row_is_told_apart_with_all_its_faults(self):
        result = only(social(account(), post(counts={"likes": -1, "reposts": 2, "telepathy": -3})))
        assert held(result) == {
            (1, "likes"): "likes is -1, which is no number from 0 to below 10^12",
            (1, "telepathy"): "'telepathy' is no metric that bluesky is known to report; "
            "telepathy is -3, which is no number from 0 to below 10^12",
        }
        assert verdict(result).reasons == ("2 numbers of 12 November from Bluesky cannot be right and are left out.",)

    def test_a_row_that_is_held_takes_its_totals_with_it(self):
        result = only(social(account(), post(permalink="", counts={"likes": -5}), post(post_id="p2", text="Rye")))
        assert held(result) == {1: "permalink is missing"}
        assert verdict(result).reasons == ("1 post of 12 November from Bluesky cannot be right and is left out.",)

    @pytest.mark.parametrize("carrier", [post, counter])
    def test_a_bad_total_of_a_post_concerns_the_day_of_that_post(self, carrier: Callable[..., Row]):
        result = only(social(account(), carrier(counts={"likes": -5})))
        assert colours(result) == "gggaggg"
        assert verdict(result).reasons == ("1 number of 12 November from Bluesky cannot be right and is left out.",)

    @pytest.mark.parametrize("carrier", [post, counter])
    def test_a_bad_total_of_an_older_post_concerns_no_day_of_the_window(self, carrier: Callable[..., Row]):
        old = carrier(published_at=dt.datetime(2026, 10, 1, tzinfo=dt.UTC), counts={"likes": -5})
        result = only(social(account(), old))
        assert list(held(result)) == [(1, "likes")]
        assert colours(result) == "ggggggg"

    def test_a_bad_total_of_the_account_makes_every_day_amber_though_the_account_was_shown(self):
        result = only(social(account(counts={"followers": -1})))
        assert list(held(result)) == [(0, "followers")]
        assert colours(result) == "aaaaaaa"
        assert verdict(result).reasons == ("1 number from Bluesky cannot be right and is left out.",)

    def test_the_day_of_a_post_is_a_day_of_the_accounts_zone(self):
        late = dt.datetime(2026, 11, 12, 23, 30, tzinfo=dt.UTC)  # Friday 00:30 in Berlin
        assert colours(only(social(account(), post(published_at=late, counts={"likes": -5})))) == "ggggagg"

    def test_a_contradiction_of_one_moment_holds_the_later_total(self):
        rows = [post(counts={"likes": 12}), counter(counts={"likes": 12, "views": 7})]
        result = only(social(account(), *rows, counter(counts={"views": 7, "likes": 900})))
        assert held(result) == {
            (3, "likes"): "an earlier row of the same pull says something else of the likes of post p1"
        }
        assert colours(result) == "gggaggg"

    def test_an_account_contradicts_itself_as_well(self):
        apart = counter(post_id=None, published_at=None, counts={"followers": 121})
        assert held(only(social(account(counts={"followers": 120}), apart))) == {
            (1, "followers"): "an earlier row of the same pull says something else of the followers of account did:1"
        }

    def test_what_one_of_several_rows_has_said_is_remembered(self):
        rows = [counter(counts={"likes": 12}), counter(counts={"views": 7}), counter(counts={"reposts": 1})]
        assert list(held(only(social(account(), *rows, counter(counts={"views": 8}))))) == [(4, "views")]

    def test_a_number_and_its_absence_contradict_each_other(self):
        rows = [account(), post(counts={"likes": 12}), post(counts={"likes": None})]
        assert list(held(only(social(*rows)))) == [(2, "likes")]

    @pytest.mark.parametrize(
        ("defect", "reason"),
        [
            ({"account_id": ""}, "account_id is missing"),
            ({"post_id": ""}, "post_id is missing"),
            ({"post_id": None}, "totals of a post have both, of an account neither"),
            ({"published_at": None}, "totals of a post have both, of an account neither"),
            ({"published_at": ENDED + dt.timedelta(hours=1)}, "is after observed_at"),
            ({"published_at": dt.datetime(1, 1, 1, tzinfo=dt.UTC)}, "is before there were social platforms"),
        ],
    )
    def test_totals_that_cannot_be_placed_are_held_altogether(self, defect: dict[str, Any], reason: str):
        result = only(social(account(), counter(counts={"likes": -5, "views": 7}, **defect)))
        assert list(held(result)) == [1]
        assert reason in held(result)[1]
        (said,) = verdict(result).reasons
        assert said.startswith("2 numbers ")


class TestBadComments:
    @pytest.mark.parametrize("field", ["account_id", "comment_id", "post_id", "author"])
    def test_a_comment_without_an_id_is_held_and_its_day_is_amber(self, field: str):
        result = only(social(account(), comment(**{field: ""}), comment(comment_id="c2")))
        assert held(result) == {1: f"{field} is missing"}
        assert colours(result) == "gggaggg"
        assert verdict(result).reasons == ("1 comment of 12 November from Bluesky cannot be right and is left out.",)

    def test_its_day_is_the_day_it_was_written(self):
        friday = comment(author="", published_at=THURSDAY_MORNING + dt.timedelta(days=1))
        assert colours(only(social(account(), post(), friday))) == "ggggagg"

    @pytest.mark.parametrize(
        ("published", "reason"),
        [
            (None, "published_at is missing"),
            (ENDED + dt.timedelta(minutes=6), "is after observed_at"),
            (dt.datetime(1970, 1, 1, tzinfo=dt.UTC), "is before there were social platforms"),
        ],
    )
    def test_a_comment_without_a_believable_day_makes_every_day_amber(self, published: dt.datetime | None, reason: str):
        result = only(social(account(), comment(published_at=published)))
        assert reason in held(result)[1]
        assert colours(result) == "aaaaaaa"

    def test_a_comment_may_be_as_far_ahead_as_clocks_differ(self):
        assert held(only(social(account(), comment(published_at=ENDED + dt.timedelta(seconds=40))))) == {}

    def test_two_versions_at_one_moment_hold_the_later(self):
        result = only(social(account(), comment(), comment(), comment(text="Is there rye?")))
        assert held(result) == {3: "an earlier row of the same pull says something else of comment c1"}


class TestMissingAccounts:
    def test_an_answer_without_the_account_is_red_even_with_posts(self):
        result = only(social(post(), counter()))
        assert colours(result) == "rrrrrrr"
        assert verdict(result).reasons == ("Bluesky did not show the account bakery.example.",)

    def test_an_empty_pull_is_red(self):
        assert colours(only(social())) == "rrrrrrr"

    def test_an_account_without_an_id_is_held_and_counts_as_missing(self):
        result = only(social(account(account_id=""), post()))
        assert held(result) == {0: "account_id is missing"}
        assert colours(result) == "rrrrrrr"

    def test_an_account_without_a_handle_is_held(self):
        assert held(only(social(account(handle="")))) == {0: "handle is missing"}

    def test_two_descriptions_of_one_account_at_one_moment_hold_the_later(self):
        result = only(social(account(), account(name="Bank")))
        assert held(result) == {1: "an earlier row of the same pull says something else of account did:1"}
        assert colours(result) == "ggggggg"

    def test_a_day_that_was_not_over_is_amber(self):
        noon = dt.datetime(2026, 11, 15, 11, tzinfo=dt.UTC)
        result = only(social(account(), ended_at=noon))
        assert colours(result) == "gggggaa"
        assert verdict(result, WEEK[-1]).reasons == ("15 November was not over when Bluesky was read.",)
        assert verdict(result, WEEK[-1]).flaws == (Flaw("early"),)

    def test_days_that_the_platform_tells_of_later_are_early(self):
        told = [
            msgspec.structs.replace(
                day_row(day=day, entity="account", entity_id="did:1", metric="views"), source="bluesky"
            )
            for day in WEEK[:-2]
        ]
        result = only(social(*social_week(), *told, tells_after=dt.timedelta(hours=48)))
        assert colours(result) == "gggggga", "48 hours after its end Saturday has nothing more to come"
        assert verdict(result, WEEK[-1]).reasons == ("Bluesky tells of 15 November in a few days.",)
        assert verdict(result, WEEK[-1]).flaws == (Flaw("early"),)


@pytest.mark.parametrize("pull", [social(*social_week()), web(*web_week()[:5]), web()])
def test_a_failed_pull_is_red_whatever_it_gave(pull: PullRows):
    failed = msgspec.structs.replace(pull, failed="the token has expired.", title="Blue Sky")
    result = only(failed)
    assert colours(result) == "rrrrrrr"
    assert verdict(result).reasons == ("Blue Sky could not be read.",), "what a client reads"
    assert result.failed == "the token has expired.", "what an operator reads"


def test_rows_of_a_failed_pull_are_checked_all_the_same():
    assert list(held(only(social(account(), post(kind="hologram"), failed="it timed out.")))) == [1]


class TestBatches:
    def batch(self) -> list[PullRows]:
        return [
            social(*social_week("bakery")),
            social(account("bank"), post("bank", counts={"likes": -1}), comment("bank", author=""), client="bank"),
            web(*web_week("bakery")),
            web(*web_week("bank"), day_row("bank", value=7.0), client="bank"),
            web(client="cafe", failed="the server is down."),
            social(client="cafe"),
        ]

    def test_one_bad_client_does_not_touch_another(self):
        pulls = self.batch()
        assert check(pulls) == [only(pull) for pull in pulls]

    def test_the_order_of_pulls_does_not_matter(self):
        pulls = self.batch()
        assert check(pulls[::-1]) == check(pulls)[::-1]

    def test_a_metric_of_one_source_is_not_known_of_another(self):
        pulls = [social(account(), counter(counts={"visits": 3})), web(*web_week())]
        assert [list(held(result)) for result in check(pulls)] == [[(1, "visits")], []]


def run_python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)


def test_importing_the_gate_does_not_import_the_heavy_libraries():
    code = "import sys, widerview.quality.gate; print(*{module.split('.')[0] for module in sys.modules})"
    assert not {"great_expectations", "pandas", "numpy"} & set(run_python(code).stdout.split())


def test_a_check_writes_nothing_to_log_or_screen():
    code = """
import logging
logging.basicConfig(level=logging.INFO)
import test_gate
(result,) = test_gate.check([test_gate.social(*test_gate.social_week(), test_gate.counter(counts={'likes': -1}))])
print(len(result.rejected))
"""
    done = run_python(f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n{code}")
    assert (done.stdout, done.stderr) == ("1\n", "")


def unavailable(metric: str = "views") -> UnavailableRow:
    return UnavailableRow(
        **observed("bluesky", "bakery"), metric=metric, native_metric="page_views", reason="not a valid metric"
    )


def test_a_metric_the_platform_refuses_is_told_on_every_day_and_costs_nothing_else():
    result = only(social(*social_week(), unavailable()))
    assert result.unavailable == {"views": "page_views: not a valid metric"}
    assert result.rejected == ()
    assert colours(result) == "aaaaaaa"
    assert verdict(result).reasons == ("Bluesky does not give views.",)


def test_search_has_no_visits_and_is_not_missed_for_it():
    values = [day_row(day=day, metric="search_clicks", value=3.0) for day in WEEK[:-1] if day != THURSDAY]
    search = web(
        *values,
        metrics=("search_clicks", "search_impressions"),
        ended_at=ENDED + dt.timedelta(days=2),
        tells_after=dt.timedelta(days=4),
    )
    result = only(search)
    assert colours(result) == "gggagga"
    assert verdict(result).reasons == ("Matomo has no numbers for 12 November yet.",)
    assert verdict(result, WEEK[-1]).reasons == ("Matomo tells of 15 November in a few days.",)


REVENUE = {"metric": "revenue", "value": 120.5}


@pytest.mark.parametrize(
    ("currency", "reason"),
    [
        (None, "revenue of 2026-11-12 is money, and its currency is not told"),
        ("USD", "revenue of 2026-11-12 is in USD, not in EUR"),
        ("XBT", "'XBT' is no currency that ISO 4217 knows"),
    ],
)
def test_money_is_held_unless_it_is_of_the_currency_that_was_asked_for(currency: str | None, reason: str):
    target = Target(client_id="bakery", source="matomo", ref="1", time_zone=ZONE, options={"currency": "EUR"})
    good = [day_row(day=day, **REVENUE, currency="EUR") for day in WEEK if day != THURSDAY]
    rows = [*web_week(), *good, day_row(**REVENUE, currency=currency)]
    result = only(web(*rows, target=target, metrics=(*WEB_METRICS, "revenue")))
    assert list(held(result)) == [len(rows) - 1]
    assert reason in held(result)[len(rows) - 1]
    assert colours(result) == "gggaggg"
