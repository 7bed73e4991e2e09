"""What is expected of each kind of row, declared as data; `frames` says what the columns hold.

A reason is a format string. Of a critical check it is for operators and may use `row`, what failed (a row, or one of
`frames.Total` and `frames.WebDay`), and `pull`, the pull it came with; of a warning it is a sentence for the client and
may use `row`, `title` of the source and `date`.
"""

from collections.abc import Iterable
from typing import get_args, get_type_hints

from widerview.quality.engine import Check, Severity
from widerview.sources.base import DayRow, PostRow

# No platform counts a trillion of anything in a client's account; a number beyond it is a mistake of units or types.
LIMIT = 10**12


def _present(column: str, reason: str | None = None) -> Check:
    return Check("ExpectColumnValuesToNotBeNull", column, {"column": column}, reason or f"{column} is missing")


def _one_of(column: str, values: Iterable[str], reason: str) -> Check:
    return Check("ExpectColumnValuesToBeInSet", column, {"column": column, "value_set": sorted(values)}, reason)


def _at_most(column: str, bound: str, reason: str, severity: Severity = "critical") -> Check:
    arguments = {
        "column_A": bound,
        "column_B": column,
        "or_equal": True,
        "ignore_row_if": "either_value_is_missing",
    }
    return Check("ExpectColumnPairValuesAToBeGreaterThanB", column, arguments, reason, severity)


def _equal(column: str, other: str, reason: str) -> Check:
    arguments = {"column_A": column, "column_B": other, "ignore_row_if": "either_value_is_missing"}
    return Check("ExpectColumnPairValuesToBeEqual", column, arguments, reason)


def _literals(row: type, field: str) -> tuple[str, ...]:
    return get_args(get_type_hints(row)[field])


def _countable() -> Check:
    return Check(
        "ExpectColumnValuesToBeBetween",
        "value",
        {"column": "value", "min_value": 0, "max_value": LIMIT, "strict_max": True},
        "{row.metric} is {row.value}, which is no number from 0 to below 10^12",
    )


def _known(metrics: Iterable[str]) -> Check:
    return _one_of("qualified_metric", metrics, "{row.metric!r} is no metric that {row.source} is known to report")


def _consistent(what: str) -> Check:
    return _equal("content", "first_content", f"an earlier row of the same pull says something else of {what}")


def _published() -> tuple[Check, ...]:
    return (
        _at_most("earliest", "published_at", "published_at {row.published_at} is before there were social platforms"),
        _at_most("published_at", "latest", "published_at {row.published_at} is after observed_at {row.observed_at}"),
    )


ACCOUNTS = (
    _present("account_id"),
    _present("handle"),
    _consistent("account {row.account_id}"),
)

POSTS = (
    _present("account_id"),
    _present("post_id"),
    _present("permalink"),
    _present("published_at"),
    *_published(),
    _one_of("kind", _literals(PostRow, "kind"), "{row.kind!r} is no kind of post"),
    _consistent("post {row.post_id}"),
)

COUNTERS = (
    _present("account_id"),
    _present("post_id"),
    _equal(
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
    _consistent("comment {row.comment_id}"),
)


def totals(metrics: Iterable[str]) -> tuple[Check, ...]:
    """What is expected of running totals; `metrics` are the known ones, qualified: `bluesky.likes`."""
    return (
        _known(metrics),
        _countable(),
        _consistent("the {row.metric} of {row.counted}"),
    )


def days(metrics: Iterable[str]) -> tuple[Check, ...]:
    """What is expected of day values; `metrics` are the known ones, qualified: `matomo.visits`."""
    return (
        _one_of("entity", _literals(DayRow, "entity"), "{row.entity!r} is neither an account nor a site"),
        _present("entity_id"),
        _present("day"),
        _present("zone", "{row.zone!r} is no IANA time zone"),
        _equal("zone", "first_zone", "it is a day of {row.zone}, but other days of this pull are of another zone"),
        _at_most("first_day", "day", "{row.day} was not asked for: it is before {pull.window.first}"),
        _at_most("day", "last_day", "{row.day} was not asked for: it is after {pull.window.last}"),
        _at_most("day", "today", "{row.day} had not begun in {row.zone} when the pull ended"),
        _one_of("dimension", _literals(DayRow, "dimension"), "{row.dimension!r} is no dimension"),
        _known(metrics),
        _countable(),
        _consistent("the {row.metric} of {row.day}"),
    )


# Across the values of one day, of one `frames.WebDay` a row; `column` is the metric whose rows are held.
WEB_DAYS = (
    _at_most(
        "unique_visitors",
        "visits",
        "more unique visitors ({row.values[unique_visitors]:g}) than visits ({row.values[visits]:g}) on {row.day}",
    ),
    _at_most(
        "bounces",
        "visits",
        "more bounces ({row.values[bounces]:g}) than visits ({row.values[visits]:g}) on {row.day}",
    ),
    _at_most(
        "channel_gap",
        "channel_slack",
        "The channels {title} gave for {date} do not add up to its visits.",
        severity="warning",
    ),
)
