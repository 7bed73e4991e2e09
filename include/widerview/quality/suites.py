"""What is expected of each kind of row, declared as data; `frames` and `history` say what the columns hold.

A reason is a format string. Of a critical check that holds something it is for operators and may use `row`, what failed
(a row, or what `frames` and `history` make of several), and `pull`, the pull it came with. Of a warning, and of a
critical check that has nothing to hold, it is a sentence for the client and may use `row`, `title` of the source and
`date`. Of the rest it is for operators again.
"""

from collections.abc import Iterable, Sequence
from typing import get_args, get_type_hints

from babel.numbers import list_currencies

from widerview.quality.engine import Check
from widerview.quality.frames import EARLIEST, PARTS, TOTAL, whole
from widerview.quality.verdict import FlawKind, Severity
from widerview.sources.base import DayRow, PostRow

# No platform counts a trillion of anything in a client's account; a number beyond it is a mistake of units or types.
LIMIT = 10**12


_NAMES = {
    "account_id": "the account's id",
    "author": "the author",
    "comment_id": "the comment's id",
    "day": "the day",
    "entity_id": "the id of what is counted",
    "handle": "the handle",
    "money": "the currency of money",
    "permalink": "the post's address",
    "post_id": "the post's id",
    "published_at": "the time of publishing",
    "zone": "a known time zone",
}


def _present(column: str, reason: str | None = None) -> Check:
    return Check(
        f"{_NAMES[column]} is given",
        "ExpectColumnValuesToNotBeNull",
        column,
        {"column": column},
        reason or f"{column} is missing",
    )


def _one_of(title: str, column: str, values: Iterable[object], reason: str, severity: Severity = "critical") -> Check:
    arguments = {"column": column, "value_set": sorted(values, key=str)}
    return Check(title, "ExpectColumnValuesToBeInSet", column, arguments, reason, severity)


def _at_most(title: str, column: str, bound: str, reason: str, severity: Severity = "critical") -> Check:
    return _ordered(title, column, bound, column, reason, severity)


def _at_least(title: str, column: str, bound: str, reason: str, severity: Severity = "critical") -> Check:
    return _ordered(title, column, column, bound, reason, severity)


def _ordered(title: str, column: str, greater: str, lesser: str, reason: str, severity: Severity) -> Check:
    arguments = {
        "column_A": greater,
        "column_B": lesser,
        "or_equal": True,
        "ignore_row_if": "either_value_is_missing",
    }
    return Check(title, "ExpectColumnPairValuesAToBeGreaterThanB", column, arguments, reason, severity)


def _between(
    title: str,
    column: str,
    reason: str,
    severity: Severity = "critical",
    *,
    least: float | None = None,
    most: float | None = None,
    below: float | None = None,
    flaw: FlawKind = "unlike",
) -> Check:
    arguments = {
        "column": column,
        "min_value": least,
        "max_value": most if below is None else below,
        "strict_max": below is not None,
    }
    return Check(title, "ExpectColumnValuesToBeBetween", column, arguments, reason, severity, flaw)


def _equal(title: str, column: str, other: str, reason: str) -> Check:
    arguments = {"column_A": column, "column_B": other, "ignore_row_if": "either_value_is_missing"}
    return Check(title, "ExpectColumnPairValuesToBeEqual", column, arguments, reason)


def _literals(row: type, field: str) -> tuple[str, ...]:
    return get_args(get_type_hints(row)[field])


def _countable(column: str, metric: str) -> Check:
    return _between(
        f"{metric} is a number from 0 to below 10^12",
        column,
        "{row.metric} is {row.value}, which is no number from 0 to below 10^12",
        least=0,
        below=LIMIT,
    )


def _known(metrics: Iterable[str]) -> Check:
    return _one_of(
        "the source is known to report the metric",
        "qualified_metric",
        metrics,
        "{row.metric!r} is no metric that {row.source} is known to report",
    )


def _consistent(what: str, title: str) -> Check:
    return _equal(
        f"no two rows of one moment contradict each other about {title}",
        "content",
        "first_content",
        f"an earlier row of the same pull says something else of {what}",
    )


def _published() -> tuple[Check, ...]:
    return (
        _between(
            "published in this century",
            "published_at",
            "published_at {row.published_at} is before there were social platforms",
            least=EARLIEST.timestamp(),
        ),
        _at_most(
            "published before it was observed",
            "published_at",
            "latest",
            "published_at {row.published_at} is after observed_at {row.observed_at}",
        ),
    )


ACCOUNTS = (
    _present("account_id"),
    _present("handle"),
    _one_of(
        "the account is the one that was asked for",
        "is_asked_for",
        [True],
        "the account shown is {row.handle} ({row.account_id}), and {pull.target.ref} was asked for",
    ),
    _consistent("account {row.account_id}", "an account"),
)

POSTS = (
    _present("account_id"),
    _present("post_id"),
    _present("permalink"),
    _present("published_at"),
    *_published(),
    _one_of("the kind of post is known", "kind", _literals(PostRow, "kind"), "{row.kind!r} is no kind of post"),
    _one_of(
        "the post is of the account that was shown",
        "is_own",
        [True],
        "post {row.post_id} is of the account {row.account_id}, which is not the one shown",
    ),
    _equal(
        "no post comes under two ids",
        "post_id",
        "first_id",
        "post {row.post_id} has the words and the second of another post",
    ),
    _consistent("post {row.post_id}", "a post"),
)

COUNTERS = (
    _present("account_id"),
    _present("post_id"),
    _equal(
        "totals of a post have its id and its time of publishing",
        "of_a_post",
        "has_published_at",
        "post_id is {row.post_id}, published_at {row.published_at}: totals of a post have both, of an account neither",
    ),
    *_published(),
)

COMMENTS = (
    _present("account_id"),
    _present("comment_id"),
    _present("post_id"),
    _present("author"),
    _present("published_at"),
    *_published(),
    _consistent("comment {row.comment_id}", "a comment"),
)

TOTALS_AGAIN = (_consistent("the {row.metric} of {row.counted}", "a running total"),)


LINES = (_one_of("every line of a file keeps its format", "is_readable", [True], "{row.place}: {row.reason}"),)


def told_metrics(metrics: Iterable[str]) -> tuple[Check, ...]:
    """What is expected of the metrics that are told; the known ones are given qualified: `bluesky.likes`."""
    return (_known(metrics),)


def totals(columns: Iterable[str]) -> tuple[Check, ...]:
    """What is expected of running totals, of which each has a column of its own."""
    return tuple(_countable(column, column.removeprefix(TOTAL)) for column in sorted(columns))


_CURRENCIES = sorted(list_currencies())


def days(metrics: Iterable[str]) -> tuple[Check, ...]:
    """What is expected of day values; `metrics` are the known ones, qualified: `matomo.visits`."""
    return (
        _one_of(
            "it is a value of an account, a site or a folder",
            "entity",
            _literals(DayRow, "entity"),
            "{row.entity!r} is neither an account nor a site nor a folder",
        ),
        _present("entity_id"),
        _present("day"),
        _present("zone", "{row.zone!r} is no IANA time zone"),
        _equal(
            "all days are of one time zone",
            "zone",
            "first_zone",
            "it is a day of {row.zone}, but other days of this pull are of another zone",
        ),
        _at_least(
            "the day was asked for (not before)",
            "day",
            "first_day",
            "{row.day} was not asked for: it is before {pull.window.first}",
        ),
        _at_most(
            "the day was asked for (not after)",
            "day",
            "last_day",
            "{row.day} was not asked for: it is after {pull.window.last}",
        ),
        _at_most("the day had begun", "day", "today", "{row.day} had not begun in {row.zone} when the pull ended"),
        _one_of(
            "the dimension is known", "dimension", _literals(DayRow, "dimension"), "{row.dimension!r} is no dimension"
        ),
        _known(metrics),
        _countable("value", "the value"),
        _equal(
            "what is counted is a whole number",
            "value",
            "whole",
            "{row.metric} is {row.value}, and what is counted is whole",
        ),
        _present("money", "{row.metric} of {row.day} is money, and its currency is not told"),
        _one_of(
            "the currency is known",
            "currency",
            _CURRENCIES,
            "{row.currency!r} is no currency that ISO 4217 knows",
        ),
        _equal(
            "the currency is the one that was asked for",
            "currency",
            "currency_asked_for",
            "{row.metric} of {row.day} is in {row.currency}, not in {pull.target.options[currency]}",
        ),
        _consistent("the {row.metric} of {row.day}", "a day"),
    )


def _more(part: str, metrics: Sequence[str]) -> Check:
    part_of, whole_of = part.replace("_", " "), whole(metrics).replace("_", " ")
    return _at_most(
        f"no more {part_of} than {whole_of}, give or take 3 and 2 %",
        part,
        whole(metrics),
        f"more {part_of} ({{row.values[{part}]:g}}) than {metrics[0].replace('_', ' ')} "
        f"({{row.values[{metrics[0]}]:g}}) on {{row.day}}",
    )


# Across the values of one day; `column` is the metric whose rows are held.
WHOLE_DAYS = (
    *(_more(part, metrics) for part, metrics in PARTS),
    _at_most(
        "the channels add up to the visits, give or take 3 and 2 %",
        "channel_gap",
        "channel_slack",
        "The channels {title} gave for {date} do not add up to its visits.",
        severity="warning",
    ),
)

# From here on: beside what was known before.

TOTALS_BEFORE = (
    _at_least(
        "what was seen stays seen, give or take 3 and 2 %",
        "value",
        "least",
        "{row.metric} of {row.counted} fell from {row.known} to {row.value}, and such a number cannot fall",
    ),
    _at_least(
        "a level has not halved",
        "value",
        "half",
        "{row.metric} of {row.counted} fell from {row.known} to {row.value}",
    ),
    _at_least(
        "running totals do not fall",
        "value",
        "told",
        "{row.metric} of {row.counted} fell from {row.known} to {row.value}: robots are taken out, likes taken back",
        severity="info",
    ),
)

POSTS_ALTOGETHER = (
    _between(
        "a metric of all posts together is at most 30 times what it was",
        "ratio",
        "{row.metric} of {row.posts} settled posts went from {row.was} to {row.now}: other units, or other posts?",
        most=30,
    ),
    _between(
        "a metric of all posts together keeps at least 70 % of what it was",
        "ratio",
        "{row.metric} of {row.posts} settled posts fell from {row.was} to {row.now} altogether",
        least=0.7,
    ),
    _between(
        "a metric fell by more than a fifth in at most a third of the settled posts",
        "fell",
        "{row.metric} fell by more than a fifth in {row.fell:.0%} of the settled posts: are they those of other posts?",
        most=1 / 3,
    ),
    _between(
        "a metric the report leads with is still told of most posts that had it",
        "led",
        "{title} no longer gives {row.label} for most posts.",
        least=0.5,
    ),
    _between(
        "a metric is still told of most posts that had it",
        "told",
        "{title} no longer gives {row.label} for most posts.",
        severity="warning",
        least=0.5,
        flaw="not given",
    ),
    _between(
        "a metric is still told of three in four posts that had it",
        "mostly_told",
        "{title} no longer gives {row.label} for some posts.",
        severity="warning",
        least=0.75,
        flaw="not given",
    ),
    _between(
        "a metric is still told of every post that had it",
        "mostly_told",
        "{row.metric} is no longer told of some posts that had it; hidden by their author?",
        severity="info",
        least=1,
    ),
)

LISTINGS = (
    _between(
        "some of the posts that were known are listed again",
        "again",
        "{title} lists none of the {row.known} posts that were there before.",
        least=1,
    ),
    _between(
        "one of the two or fewer posts that were known is listed again",
        "few_again",
        "{title} lists no post, and {row.known} were there before.",
        severity="warning",
        least=1,
    ),
    _at_most(
        "at most half of the posts that were known are gone",
        "missing",
        "half",
        "{title} no longer lists {row.missing} of {row.known} posts that were there before.",
    ),
    _at_most(
        "at most a third of the posts that were known is gone",
        "missing",
        "deletable",
        "{title} no longer lists {row.missing} of {row.known} posts that were there before.",
        severity="warning",
    ),
    _between(
        "no post that was known is gone",
        "missing",
        "{row.missing} of {row.known} posts are not listed any more; perhaps they were deleted",
        severity="info",
        most=0,
    ),
)

SERIES = (
    _between(
        "the days stand where they stood",
        "shift",
        "the {row.of} of every day are those of another day: the days are shifted by {row.shift}; another time zone?",
        least=0,
        most=0,
    ),
    _between(
        "settled days are not all other ones",
        "strange",
        "the {row.of} of all settled days are quite other numbers than before: another website, or another filter?",
        most=0.99,
    ),
    _between(
        "what was told every day is still told",
        "told",
        "{title} no longer gives {row.of}.",
        severity="warning",
        least=1,
        flaw="not given",
    ),
    _between(
        "a split that was told every day is still told", "split", "no {row.of} any more", severity="info", least=1
    ),
    _between(
        "there is something on some day",
        "something",
        "{row.of} are 0 on every day, and hardly ever were before: is it still measured?",
        least=1,
    ),
    _between(
        "no day between the first and the last is left out",
        "gaps",
        "{title} left out {row.label} of {row.days_left_out}.",
        severity="warning",
        most=0,
        flaw="late",
    ),
    _between(
        "the newest day is as new as the source promises",
        "late_by",
        "{title} gives {row.label} only up to {row.newest}.",
        severity="warning",
        most=0,
        flaw="late",
    ),
)

DAYS_BEFORE = (
    _at_most(
        "a day is at most 20 times the largest of eight weeks",
        "value",
        "highest",
        "{row.metric} of {row.day} is {row.value:g}, more than 20 times the most of any day in eight weeks",
    ),
    _at_least(
        "a day is at least a fiftieth of what is usual",
        "value",
        "lowest",
        "{row.metric} of {row.day} is {row.value:g}, less than a fiftieth of what is usual: other units?",
    ),
    _at_most(
        "a day is not far above all days of eight weeks",
        "value",
        "high",
        "{title} gave {row.value:.0f} {row.label} for {date}, far more than on any day of the eight weeks before.",
        severity="warning",
    ),
    _at_least(
        "a day is not far below all such weekdays of eight weeks",
        "value",
        "low",
        "{title} gave {row.value:.0f} {row.label} for {date}, far less than on any such weekday of eight weeks.",
        severity="warning",
    ),
    _between(
        "a settled day has not moved by more than 40 %",
        "moved",
        "{title} gave {row.was:.0f} {row.label} for {date} before, and now gives {row.value:.0f}.",
        severity="warning",
        most=0.4,
    ),
)
