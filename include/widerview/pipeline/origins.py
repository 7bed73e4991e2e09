"""What each number of a report comes from: rows, or other numbers, each of which has an id too.

A number of rows is worked out anew from them here. What a formula gives is worked out by composing the report again;
here stand its inputs, such as `visits@2026-W45` (see `widerview.pipeline.observed`).
"""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from widerview.agency.models import SOCIAL
from widerview.measures.goals import YEAR_WEEKS
from widerview.measures.weeks import Week
from widerview.pipeline.campaign_origins import campaign_reading, file_costs
from widerview.pipeline.observed import (
    ADDED,
    COUNTED,
    DAY,
    LATEST,
    Input,
    Past,
    Reading,
    Row,
    counter_parts,
    counter_row,
    day_parts,
    days_of,
    inputs_of,
    parts_of,
    published_on,
    row_of,
    value_of,
    visit_parts,
)
from widerview.report.compose import HISTORY_WEEKS
from widerview.report.effect import days_of_others, looked_at_from
from widerview.report.level_changes import CHANGE_WEEKS, OF_POSTS
from widerview.report.long_past import counted_alike
from widerview.report.rates import sides_of
from widerview.report.receipts import KINDS, PrintedNumber
from widerview.report.social import REACTIONS
from widerview.report.web import counting_sites
from widerview.sources.base import Window
from widerview.sources.registry import SOURCES
from widerview.vocabulary.metrics import METRICS
from widerview.warehouse import read

_BY_POST = "The posts that these are of are counted."
_AVERAGED = "These are added up post by post; the figure is the mean of the posts."
_OF_POST = {
    "reactions": REACTIONS, "replies": ("replies",), "reposts": ("reposts", "quotes"), "shares": ("shares",),
}  # fmt: skip


def origin(past: Past, number: PrintedNumber) -> Reading:
    """Look up what a number comes from."""
    return _READERS[number.kind](past, number)


def input_number(past: Past, name: str) -> PrintedNumber | None:
    """What an input's id stands for: a week or a day of a series, a post, or a number of the client's file."""
    if name.startswith("file/"):
        value = file_costs(past).get(name)
        return None if value is None else PrintedNumber(name, name, f"{value:g}", value, "file", (name,))
    key, at, stretch = name.rpartition("@")
    if not at:
        return None
    if key == "post":
        return PrintedNumber(name, f"Reactions to {stretch}", "", None, "past post", (stretch,), "reactions")
    try:
        days_of(stretch)
    except ValueError:
        return None
    return PrintedNumber(name, f"{key}, {stretch}", "", None, "series", (key, stretch), key if key in METRICS else "")


# --- Numbers of rows -----------------------------------------------------------------------------------------------


def _series(past: Past, number: PrintedNumber) -> Reading:
    key, stretch = number.of
    if key == "goal":
        key, stretch = _of_goal(past, stretch)
    days = days_of(stretch)
    parts, queries = parts_of(past, key, days, is_latest=stretch.endswith(LATEST))
    value = value_of(past, key, days, parts)
    how = {"reactions_per_post": _AVERAGED, "posts": COUNTED, "counted": _BY_POST}.get(key, ADDED)
    return Reading(how, [part.row for part in parts], queries, value=value)


def _posts(past: Past, number: PrintedNumber) -> Reading:
    period, *account = number.of
    parts, asked = parts_of(past, "posts", days_of(period))
    rows = [part.row for part in parts]
    if account:
        ours = _account_ids(past, *account)
        theirs = {
            (post.source, post.post_id) for post in _posts_of_week(past) if (post.source, post.account_id) in ours
        }
        rows = [row for row in rows if (row.source, row.of) in theirs]
    return Reading(COUNTED, rows, asked, value=len(rows))


def _posts_of_week(past: Past) -> list[read.Post]:
    return [post for post, _ in published_on(past, past.week.days)[2].values()]


def _account_ids(past: Past, platform: str, handle: str) -> set[tuple[str, str]]:
    return {
        (each.source, each.account_id)
        for each in past.social.accounts
        if (SOURCES[each.source].title, each.handle) == (platform, handle)
    }


def _followers(past: Past, number: PrintedNumber) -> Reading:
    ours = _account_ids(past, *number.of)
    rows = [
        counter_row(counter, counter.account_id)
        for counter in read.account_counters(past.connection, past.client.client, past.as_of, past.as_of)
        if (counter.source, counter.account_id) in ours and counter.metric == "followers"
    ]
    asked = past.query("account_counters", at=past.as_of, metric="followers")
    return Reading("It is what the platform told last.", rows, (asked,), value=rows[-1].value if rows else None)


def _post(past: Past, number: PrintedNumber) -> Reading:
    place, counted = number.of
    post = _post_at(past, place)
    return _counters_of(past, post, _OF_POST[counted])


def _post_at(past: Past, place: str) -> read.Post:
    told = past.facts.posts[int(place) - 1]
    for post in _posts_of_week(past):
        same = SOURCES[post.source].title, post.permalink, post.published_at
        if same == (told.platform, told.permalink, told.published_at):
            return post
    raise LookupError(f"The warehouse has no post {told.permalink} of {told.published_at:%Y-%m-%d %H:%M} UTC any more.")


def _past_post(past: Past, number: PrintedNumber) -> Reading:
    source, _, post_id = number.of[0].partition("/")
    days = [day for ago in range(HISTORY_WEEKS + 1) for day in past.week.shift(-ago).days]
    found = published_on(past, days)[2].get((source, post_id))
    if found is None:
        raise LookupError(f"There is no post {post_id} on {source} in the weeks that the report looked at.")
    return _counters_of(past, found[0], REACTIONS)


def _counters_of(past: Past, post: read.Post, metrics: Sequence[str]) -> Reading:
    week = Week.of(post.published_at.astimezone(past.client.zone).date())
    parts, asked = counter_parts(past, metrics, week.days)
    rows = [part.row for part in parts if (part.row.source, part.row.of) == (post.source, post.post_id)]
    known = [row.value for row in rows if row.value is not None]
    return Reading(ADDED, rows, asked, value=sum(known) if known else None)


def _day(past: Past, number: PrintedNumber) -> Reading:
    [key, *_] = _daily_keys(past, number)
    day = [dt.date.fromisoformat(number.of[0])]
    parts, asked = parts_of(past, key, day)
    return Reading(ADDED, [part.row for part in parts], asked, value=value_of(past, key, day, parts))


def _daily_keys(past: Past, number: PrintedNumber) -> list[str]:
    """The series of an account or website that a day worth knowing is of: of several the one that had its value."""
    day, metric, platform, channel = number.of
    told = next(each for each in past.facts.worth_knowing if (str(each.day), each.metric) == (day, metric)
                and (each.platform or "", each.channel or "") == (platform, channel))  # fmt: skip
    found = read.day_values(
        past.connection,
        past.client.client,
        past.as_of,
        told.day,
        told.day,
        metric,
        "channel" if channel else "total",
    )
    return [
        f"daily/{each.source}/{each.entity_id}/{metric}/{channel}"
        for each in found
        if (each.member, each.value) == (channel, told.value)
        and (SOURCES[each.source].title if SOURCES[each.source].kind != "web" else "") == platform
    ]


def _messages(past: Past, number: PrintedNumber) -> Reading:
    [what] = number.of
    first, end = past.week.bounds(past.client.zone)
    ours = past.social.ours
    if what == "written":
        written = read.own_messages(past.connection, past.client.client, past.as_of, first, end)
        rows = [_message_row(each) for each in written if (each.source, each.account_id) in ours]
        return Reading(COUNTED, rows, (past.query("own_messages", first=first, end=end),), value=len(rows))
    received = [each for each in _received(past) if what == "new" or each.answered_at is not None]
    rows = [_message_row(each) for each in received]
    asked = past.query("received_messages", first=first, end=end)
    if what == "new":
        return Reading(COUNTED, rows, (asked,), value=len(rows))
    answers, also = _answers(past, received)
    return Reading("These, each with its answer, are counted.", [*rows, *answers], (asked, also), value=len(rows))


def _answers(past: Past, received: Iterable[read.ReceivedMessage]) -> tuple[list[Row], str]:
    """What first answered some messages."""
    first, end = past.week.bounds(past.client.zone)[0], past.as_of
    moments = {(each.source, each.answered_at) for each in received}
    written = read.own_messages(past.connection, past.client.client, past.as_of, first, end)
    rows = [_message_row(each) for each in written if (each.source, each.written_at) in moments]
    return rows, past.query("own_messages", first=first, end=end)


def _received(past: Past) -> list[read.ReceivedMessage]:
    first, end = past.week.bounds(past.client.zone)
    return [
        each
        for each in read.received_messages(past.connection, past.client.client, past.as_of, first, end)
        if (each.source, each.account_id) in past.social.ours and each.written_at <= past.as_of
    ]


def _message_row(message: read.OwnMessage | read.ReceivedMessage) -> Row:
    return row_of(message, message.message_id, "message")


def _untagged(past: Past, number: PrintedNumber) -> Reading:
    days, sites = past.week.days, counting_sites(past.client)
    parts, asked = day_parts(
        past, "visits", "network", days, lambda value: (value.source, value.entity_id) in sites
    )  # fmt: skip
    if number.of == ("visits",):
        tagged, also = day_parts(
            past,
            "visits",
            "touchpoint",
            days,
            lambda value: (
                (value.source, value.entity_id) in sites
                and value.member.casefold().rpartition("/")[2].removesuffix("-ads") in SOCIAL
            ),
        )
        parts, asked = parts + tagged, asked + also
    rows = [part.row for part in parts]
    return Reading(ADDED, rows, asked, value=round(sum(row.value or 0.0 for row in rows)))


# --- Formulas: their inputs --------------------------------------------------------------------------------------


def _given(
    inputs: Callable[[Past, PrintedNumber], Iterable[Input]],
) -> Callable[[Past, PrintedNumber], Reading]:
    """A reader of a formula's numbers, which are worked out by composing the report again."""

    def reader(past: Past, number: PrintedNumber) -> Reading:
        return Reading(KINDS[number.kind].how, inputs=tuple(inputs(past, number)))

    return reader


def _weeks_before(past: Past, count: int) -> list[str]:
    return [str(past.week.shift(-ago)) for ago in range(count, 0, -1)]


def _last_weeks(past: Past, count: int) -> list[str]:
    """Some weeks, of which the report's is the last, as they were known when it was made."""
    return [f"{past.week.shift(-ago)}{LATEST}" for ago in range(count - 1, -1, -1)]


def _usual_inputs(past: Past, number: PrintedNumber) -> Iterator[Input]:
    """The weeks before of the number itself, and of those whose spread it shares."""
    [key] = number.of
    if key.startswith("channel/"):
        keys = [f"channel/{each.channel}" for each in past.facts.channels]
    else:
        keys = [each.id for each in past.facts.figures if (each.id in OF_POSTS) == (key in OF_POSTS)]
    yield from inputs_of(past, sorted(keys, key=lambda each: each != key), _weeks_before(past, HISTORY_WEEKS))
    if "reactions_per_post" in keys:
        yield from inputs_of(past, ["counted"], [*_weeks_before(past, HISTORY_WEEKS), past.facts.period])


def _weekday_inputs(past: Past, number: PrintedNumber) -> Iterator[Input]:
    key = number.of[0] if number.id.startswith("chart/") else _daily_keys(past, number)[0]
    first = past.week.shift(-HISTORY_WEEKS).monday
    yield from inputs_of(past, [key], [str(day) for day in Window(first, past.week.monday - DAY).days])


def _lift_inputs(past: Past, number: PrintedNumber) -> Iterator[Input]:
    """The post itself, and the earlier posts of its account and kind."""
    [place] = number.of
    post = _post_at(past, place)
    yield Input(id=f"post/{place}/reactions", value=past.facts.posts[int(place) - 1].reactions)
    weeks = [past.week.shift(-ago) for ago in range(HISTORY_WEEKS, 0, -1)]
    alike = counted_alike(weeks, past.breaks.posts)
    if not alike:
        return
    days = [day for week in alike for day in week.days]
    parts, _ = parts_of(past, "reactions", days)
    sums: dict[str, float | None] = {}
    for _, row in parts:
        if row.source == post.source and row.value is not None:
            sums[row.of] = (sums.get(row.of) or 0.0) + row.value
    for each, _ in published_on(past, days)[2].values():
        if (each.source, each.account_id, each.kind) == (post.source, post.account_id, post.kind):
            yield Input(id=f"post@{each.source}/{each.post_id}", value=sums.get(each.post_id))


def _change_inputs(past: Past, number: PrintedNumber) -> Iterator[Input]:
    [key] = number.of
    keys = [
        each.id
        for each in past.facts.figures
        if (each.id in OF_POSTS) == (key in OF_POSTS) and each.id != "campaign_visits"
    ]
    keys = sorted(keys, key=lambda each: each != key)
    yield from inputs_of(past, [*keys, "counted"] if key in OF_POSTS else keys, _last_weeks(past, CHANGE_WEEKS))


def _of_goal(past: Past, place: str) -> tuple[str, str]:
    """The series that a goal is of, and the days that have counted for it so far."""
    goal = past.goal(place)
    key: str = goal.metric
    if key == "campaign_visits":
        key = f"campaign/{goal.campaign}" if goal.campaign else "campaigns"
    return key, f"{goal.starts}..{min(goal.ends, past.week.sunday)}{LATEST}"


def _goal_inputs(past: Past, number: PrintedNumber) -> Iterator[Input]:
    [place] = number.of
    for name in (f"goal/{place}/so-far", f"goal/{place}/target"):
        yield Input(id=name, value=past.numbers[name].value)
    key, _ = _of_goal(past, place)
    yield from inputs_of(past, [key], _last_weeks(past, HISTORY_WEEKS + 1))


def _year_inputs(past: Past, number: PrintedNumber) -> Iterator[Input]:
    yield from inputs_of(past, ["reactions_per_post", "counted"], _last_weeks(past, YEAR_WEEKS))


def _effect_inputs(past: Past, number: PrintedNumber) -> Iterator[Input]:
    campaign = past.campaign(number.of[0])
    effect = next(each.effect for each in past.facts.campaigns if each.key == campaign.key)
    first, last = looked_at_from(campaign, past.week.sunday), min(campaign.ends, past.week.sunday)
    days = Window(first, last).days
    others = days_of_others(past.client, campaign, days)
    used = {str(day) for day in days if day not in others and past.web.is_settled(day, past.client.zone, past.as_of)}
    keys = ["visits", *(f"channel/{name}" for name in (effect.controls if effect else ()))]
    for each in inputs_of(past, keys, [str(day) for day in days]):
        # The days of other campaigns, and those that are not counted to the end, are left out.
        yield each if each.id.partition("@")[2] in used else Input(id=each.id, value=None)


def _usual_posts_inputs(past: Past, number: PrintedNumber) -> Iterator[Input]:
    yield from inputs_of(past, ["posts"], _weeks_before(past, HISTORY_WEEKS))


def _waited(past: Past, number: PrintedNumber) -> Reading:
    first, end = past.week.bounds(past.client.zone)
    received = _received(past)
    answers, also = _answers(past, received)
    rows = [*(_message_row(each) for each in received), *answers]
    return Reading(KINDS[number.kind].how, rows, (past.query("received_messages", first=first, end=end), also))


def _rate(past: Past, number: PrintedNumber) -> Reading:
    """Both sides of a rate, of the week and of the weeks that it is weighed by and held against."""
    metric, platform, handle = number.of
    days = [day for ago in range(HISTORY_WEEKS, -1, -1) for day in past.week.shift(-ago).days]
    how = f"{KINDS[number.kind].how} Its two sides are {' and '.join(METRICS[metric].parts)}."
    if not handle:
        found = [visit_parts(past, name, "total", lambda day: {""}, days) for name in METRICS[metric].parts]
        rows = [part.row for parts, _ in found for part in parts]
        return Reading(how, rows, tuple(query for _, asked in found for query in asked))
    ours = _account_ids(past, platform, handle)
    theirs = {name for name, (post, _) in published_on(past, days)[2].items() if (name[0], post.account_id) in ours}
    sides = next(sides for source, _ in ours if (sides := sides_of(source, metric, past.week.monday)))
    parts, asked = counter_parts(past, [*sides.above, *sides.below], days)
    return Reading(how, [part.row for part in parts if (part.row.source, part.row.of) in theirs], asked)


def _cost_inputs(past: Past, number: PrintedNumber) -> Iterator[Input]:
    [name] = number.of
    for each in (f"{name}/cost", f"{name}/cost/results"):
        yield Input(id=each, value=past.numbers[each].value)


def _worked_out(past: Past, number: PrintedNumber) -> Reading:
    one, sign, other = number.of
    inputs = [Input(id=name, value=past.numbers[name].value) for name in (one, other)]
    first, second = (each.value for each in inputs)
    if not isinstance(first, (int, float)) or not isinstance(second, (int, float)):
        raise LookupError(f"{one} or {other} is not reported, so nothing is worked out of them.")
    value = first - second if sign == "-" else first / second
    return Reading(f"{one} {sign} {other}", inputs=inputs, value=value)


def _file(past: Past, number: PrintedNumber) -> Reading:
    what, *place = number.of
    value: float
    if what == "goal":
        value = past.goal(place[0]).target
    elif what == "budget":
        value = past.campaign(place[0]).budget
    else:
        value = file_costs(past)[what]
    return Reading(KINDS["file"].how, value=value)


_READERS: Mapping[str, Callable[[Past, PrintedNumber], Reading]] = {
    "series": _series,
    "posts": _posts,
    "followers": _followers,
    "post": _post,
    "past post": _past_post,
    "day": _day,
    "messages": _messages,
    "untagged": _untagged,
    "campaign": campaign_reading,
    "file": _file,
    "chosen": lambda past, number: Reading(f"{KINDS['chosen'].how} It is {number.of[0]}."),
    "usual": _given(_usual_inputs),
    "weekday": _given(_weekday_inputs),
    "usual posts": _given(_usual_posts_inputs),
    "lift": _given(_lift_inputs),
    "change": _given(_change_inputs),
    "goal": _given(_goal_inputs),
    "year": _given(_year_inputs),
    "effect": _given(_effect_inputs),
    "answers": _waited,
    "rate": _rate,
    "worked out": _worked_out,
    "cost range": _given(_cost_inputs),
}
