"""The page on which operators see what the gate found in a run: HTML out of findings, and nothing is looked up here.

No scripts, nothing from elsewhere. Names, reasons and answers come from strangers: invisible characters are removed
first, the template escapes the rest.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import urlencode

from babel.dates import format_interval
from jinja2 import Template

from widerview.pipeline.pages import templates
from widerview.pipeline.validation import Checked, days, mark
from widerview.quality.verdict import CheckResult, Outcome, Severity
from widerview.report.clean_text import clean, clip

SECTIONS = 6
"""Accounts that are shown in full on the page of a run, the worst first; the others are a click away."""

_LISTS_PASSED = 3
"""Up to so many accounts the checks that passed are listed, too."""

_EXAMPLES = 5
_HELD = 10
_ROWS = 5
_DAYS = 20
_DRIFT = 20
_TEXT = 300

_CONSEQUENCES: dict[Severity, str] = {
    "critical": "held back",
    "warning": "loaded, with a note",
    "info": "only recorded",
}
_COLOUR_WORDS = {"green": "✓ green", "amber": "! amber", "red": "✕ red", None: "? no verdict"}


@dataclass(frozen=True)
class Trend:
    """How many failed a check, pull by pull, as a drawing 14 units high and as words.

    Attributes:
        failed: Path of the bars of pulls in which some failed.
        passed: Path of the marks of those in which none did.
        errored: Path of the marks of those in which the check broke.
        width: Of the drawing.
        counts: How many failed in each pull, in words.
        often: In how many of the pulls some did, or it broke, in words.
    """

    failed: str
    passed: str
    errored: str
    width: int
    counts: str
    often: str


def validation_page(
    source: str, run: str, everything: Sequence[Checked], shown: Sequence[Checked], *, alone: bool = False
) -> str:
    """Render the page of a run.

    Args:
        source: The source's name for people.
        run: The run's id.
        everything: All accounts of the run, the worst first.
        shown: Those that are shown in full, with their history.
        alone: Whether one account was asked for: then there is no table of all, but a way back to it.
    """
    in_full = {each.path for each in shown}
    return _template().render(
        source=source,
        run=run,
        alone=alone,
        accounts=[_line(each, each.path in in_full) for each in everything],
        sections=[_section(each) for each in shown],
        lead=_lead(everything),
        rest=len(everything) - len(shown),
        lists_passed=len(shown) <= _LISTS_PASSED,
    )


def _lead(everything: Sequence[Checked]) -> str:
    """The run in one sentence."""
    colours = [each.colour for each in everything]
    worst = next((colour for colour in ("red", "amber", "green") if colour in colours), None)
    judged = sum(each.judged for each in everything)
    parts = [
        f"{judged:,} rows and values judged" if judged else "no rows judged",
        f"{sum(each.held for each in everything):,} held",
        f"worst verdict {worst or 'none'}",
    ]
    if broken := sum(len(each.outcomes("errored")) for each in everything):
        parts.append(f"{_many(broken, 'check')} could not be carried out")
    return f"{_many(len(everything), 'account')}: {', '.join(parts)}."


def _line(checked: Checked, in_full: bool) -> dict[str, Any]:
    """An account in the table of all."""
    target = checked.target
    alone = f"?{urlencode({'client': target.client_id, 'account': target.ref})}"
    return {
        "client": target.client_id,
        "account": target.ref,
        "link": f"#{_anchor(checked)}" if in_full else alone,
        "alone": alone,
        "colour": checked.colour or "none",
        "word": _COLOUR_WORDS[checked.colour],
        "held": checked.held,
        "failed": len(checked.outcomes("failed")),
        "errored": len(checked.outcomes("errored")),
    }


def _section(checked: Checked) -> dict[str, Any]:
    """An account in full."""
    pull, result = checked.pull, checked.result
    return {
        **_line(checked, in_full=True),
        "anchor": _anchor(checked),
        "path": checked.path,
        "window": _span(pull.window.first, pull.window.last),
        "ended": f"{pull.ended_at:%Y-%m-%d %H:%M} UTC",
        "failure": result.failed if result else pull.error,
        "is_checked": result is not None,
        "days": _days(result),
        "rejected": _some(_alike(result), _HELD),
        "releases": [
            {"index": each.index, "metric": each.metric, "why": each.why, "by": each.by, "at": f"{each.at:%Y-%m-%d}"}
            for each in checked.releases
        ],
        "broken": [_check(checked, outcome) for outcome in checked.outcomes("errored")],
        "bad": [_check(checked, outcome) for outcome in checked.outcomes("failed")],
        "good": [_check(checked, outcome) for outcome in checked.outcomes("passed", "nothing to judge")],
        "idle": len(checked.outcomes("nothing to judge")),
        "pulls": len(checked.past) + 1,
        "unavailable": sorted(result.unavailable.items()) if result else [],
        "drift": _some(
            (
                (each.stream, each.path, each.change, " or ".join(each.was), " or ".join(each.now))
                for each in (result.drift if result else ())
            ),
            _DRIFT,
        ),
    }


def _days(result: CheckResult | None) -> tuple[list[dict[str, Any]], int]:
    """The verdicts, days that are alike together; and how many groups are left out, of the green ones first."""
    groups = days(result.verdicts if result else ())
    kept = sorted(sorted(groups, key=lambda group: group[2].colour == "green")[:_DAYS], key=lambda group: group[0])
    told = [
        {
            "when": _span(first, last),
            "colour": verdict.colour,
            "word": _COLOUR_WORDS[verdict.colour],
            "reasons": verdict.reasons or ("Complete, and settled.",),
        }
        for first, last, verdict in kept
    ]
    return told, len(groups) - len(told)


def _alike(result: CheckResult | None) -> list[dict[str, Any]]:
    """What is held, together where it is the same of many rows for the same reason."""
    rows: defaultdict[tuple[str | None, str], list[int]] = defaultdict(list)
    for each in result.rejected if result else ():
        rows[each.metric, each.reason].append(each.index)
    return [
        {"rows": indexes[:_ROWS], "more": max(0, len(indexes) - _ROWS), "metric": metric, "reason": reason}
        for (metric, reason), indexes in rows.items()
    ]


def _check(checked: Checked, outcome: Outcome) -> dict[str, Any]:
    history = [*checked.past, checked.result]
    seen = [_same(outcome, result) for result in history]
    return {
        "suite": outcome.suite.replace("_", " "),
        "check": outcome.check[:1].upper() + outcome.check[1:],
        "expectation": outcome.expectation,
        "severity": outcome.severity,
        "consequence": _CONSEQUENCES[outcome.severity],
        "judged": outcome.judged,
        "failed": outcome.failed,
        "error": outcome.error,
        "examples": list(dict.fromkeys(outcome.examples[:_EXAMPLES])),
        "more": max(0, outcome.failed - len(outcome.examples[:_EXAMPLES])) if outcome.examples else 0,
        # A line of zeros tells nothing.
        "trend": _trend(seen) if any(each and mark(each) in {"failed", "errored"} for each in seen) else None,
    }


def _same(outcome: Outcome, result: CheckResult | None) -> Outcome | None:
    """What the same check found in another pull; None if it was not made then."""
    of_all = result.outcomes if result else ()
    return next((each for each in of_all if (each.suite, each.check) == (outcome.suite, outcome.check)), None)


_STEP, _BAR, _HEIGHT = 6, 4, 14


def _trend(seen: Sequence[Outcome | None]) -> Trend:
    most = max((each.failed for each in seen if each), default=0) or 1
    failed = passed = errored = ""
    words = []
    for place, each in enumerate(seen):
        left = place * _STEP
        if each is None:
            words.append("not made")
        elif each.error is not None:
            errored += f"M{left + _BAR / 2:g} 1v9m0 2v2"
            words.append("could not be carried out")
        elif each.failed:
            height = max(2, round(_HEIGHT * each.failed / most))
            failed += f"M{left} {_HEIGHT}v-{height}h{_BAR}v{height}z"
            words.append(f"{each.failed:,}")
        else:
            passed += f"M{left} {_HEIGHT - 1}h{_BAR}v1h-{_BAR}z"
            words.append("0")
    ran = [each for each in seen if each and each.error is None]
    broke = sum(each is not None for each in seen) - len(ran)
    often = [f"failed in {sum(each.failed > 0 for each in ran)} of {_many(len(ran), 'pull')}"] if ran else []
    often += [f"broke in {broke}"] if broke else []
    return Trend(failed, passed, errored, len(seen) * _STEP, ", ".join(words), ", ".join(often))


def _some(items: Iterable[Any], most: int) -> tuple[list[Any], int]:
    """The first few of some, and how many more there are."""
    everything = list(items)
    return everything[:most], max(0, len(everything) - most)


def _anchor(checked: Checked) -> str:
    """An id within the page; of hexadecimal digits, whatever the account is called."""
    target = checked.target
    return "a" + f"{target.client_id} {target.ref}".encode().hex()


def _span(first: dt.date, last: dt.date) -> str:
    return str(format_interval(first, last, "yMMMd", locale="en_GB"))


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _words(value: object) -> str:
    """Foreign words, harmless and not too long."""
    return clip(clean(str(value)), _TEXT)


@cache
def _template() -> Template:
    return templates(words=_words, many=_many).get_template("validation_page.html.j2")
