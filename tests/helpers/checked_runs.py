"""What a gate may have found in a run, made by hand: for tests of the page, and for its picture."""

import datetime as dt

from widerview.landing.store import Pull
from widerview.pipeline.releases import Release
from widerview.pipeline.validation import Checked
from widerview.quality.verdict import CheckResult, Colour, DayVerdict, Drift, Outcome, Rejected
from widerview.sources.base import Target, Window

FIRST, LAST = dt.date(2026, 11, 10), dt.date(2026, 11, 16)
RUN = "scheduled__2026-11-17T04:00:00+00:00"


def target(client: str, ref: str) -> Target:
    return Target(client_id=client, source="mastodon", ref=ref, time_zone="Europe/London")


def pull(client: str, ref: str, error: str | None = None) -> Pull:
    ended = dt.datetime(2026, 11, 17, 4, 2, tzinfo=dt.UTC)
    return Pull(
        target=target(client, ref),
        window=Window(FIRST, LAST),
        run=RUN,
        started_at=ended - dt.timedelta(minutes=1),
        ended_at=ended,
        complete=error is None,
        error=error,
        pack=None,
        entries=(),
    )


def verdicts(client: str, ref: str, bad: dict[int, tuple[Colour, tuple[str, ...]]] | None = None):
    """The verdicts on the days of the window; those not green by day of the month."""
    for offset in range((LAST - FIRST).days + 1):
        day = FIRST + dt.timedelta(days=offset)
        colour, reasons = (bad or {}).get(day.day, ("green", ()))
        yield DayVerdict(client_id=client, source="mastodon", ref=ref, day=day, colour=colour, reasons=reasons)


def passed(judged: int = 42) -> list[Outcome]:
    expected = {
        "accounts": ["An account has an id", "An account has a handle", "An account says one thing at one moment"],
        "posts": ["A post has an id", "A post has an address", "A post was published after the year 2000",
                  "A post was published before it was observed", "A post is of a known kind",
                  "A post says one thing at one moment"],
        "totals": ["A total is of a metric the source reports", "A total is told once a moment",
                   "Likes have not fallen by more than people take back"],
        "comments": ["A comment has an id", "A comment has an author", "A comment belongs to a post"],
    }  # fmt: skip
    return [
        Outcome(
            suite=suite, check=check, expectation="ExpectColumnValuesToNotBeNull", severity="critical",
            judged=0 if suite == "comments" else judged,
        )
        for suite, checks in expected.items()
        for check in checks
    ]  # fmt: skip


def negative(failed: int) -> Outcome:
    return Outcome(
        suite="totals", check="A total is a number from 0 to below a trillion",
        expectation="ExpectColumnValuesToBeBetween", severity="critical", judged=588, failed=failed,
        examples=tuple(f"likes of post 11345{each} is -{each}, which is below 0" for each in range(1, failed + 1))[:3],
    )  # fmt: skip


def fewer(failed: int) -> Outcome:
    return Outcome(
        suite="volume", check="As many posts came as this account usually has",
        expectation="ExpectTableRowCountToBeBetween", severity="warning", judged=1, failed=failed,
        examples=("2 posts came; in the last 12 weeks it was between 9 and 17",) * failed,
    )  # fmt: skip


BROKE = Outcome(
    suite="freshness", check="The newest post is not older than the source's stated delay",
    expectation="ExpectColumnMaxToBeBetween", severity="warning", judged=0,
    error="The check ExpectColumnMaxToBeBetween of 'newest' in the suite 'freshness' could not be carried out: "
          'Error: The column "newest" in BatchData does not exist',
)  # fmt: skip


def history(failures: list[int | None]) -> tuple[CheckResult, ...]:
    """Earlier pulls in which so many totals failed; None: the check broke."""
    return tuple(
        CheckResult(
            rejected=(),
            verdicts=(),
            outcomes=(
                negative(count)
                if count is not None
                else Outcome(suite="totals", check=negative(0).check, expectation="", severity="critical", judged=0,
                             error="it broke"),
            ),
        )
        for count in failures
    )  # fmt: skip


def troubled(client: str = "harbour-bakery", ref: str = "@harbour@social.example") -> Checked:
    """An account with everything that can be wrong."""
    left_out = "3 numbers of 12 November from Mastodon cannot be right and are left out."
    return Checked(
        path=f"pulls/mastodon/{RUN.lower().replace(':', '-')}/{client}/harbour/20261117T040100.000000Z.json",
        pull=pull(client, ref),
        result=CheckResult(
            rejected=(
                Rejected(index=14, metric="likes", reason="likes of post 113451 is -1, which is below 0"),
                Rejected(index=15, metric="likes", reason="likes of post 113452 is -2, which is below 0"),
                Rejected(index=15, metric="reposts", reason="reposts of post 113452 is -2, which is below 0"),
                Rejected(index=31, reason="published_at 2031-01-01 is after observed_at 2026-11-17"),
            ),
            verdicts=tuple(verdicts(client, ref, {
                12: ("amber", (left_out, "Mastodon gave fewer posts than usual.")),
                15: ("red", ("Mastodon did not show the account @harbour@social.example.",)),
                16: ("red", ("Mastodon did not show the account @harbour@social.example.",)),
            })),
            unavailable={"shares": "quotes_count: this server is too old to count them"},
            outcomes=(*passed(), negative(3), fewer(1), BROKE),
            drift=(
                Drift(stream="statuses", path="[].quotes_count", change="new key", now=("integer",)),
                Drift(stream="statuses", path="[].favourites_count", change="changed type", was=("integer",),
                      now=("integer", "string")),
                Drift(stream="statuses", path="[].card.author_name", change="vanished key", was=("string",)),
            ),
        ),
        past=history([0, 0, 1, 0, 0, None, 0, 0, 7, 2, 0, 0, 1]),
        releases=(Release(index=9, row="00", why="The fair was real.", by="mara",
                          at=dt.datetime(2026, 11, 18, tzinfo=dt.UTC)),),
    )  # fmt: skip


def fine(client: str = "lantern-lane", ref: str = "@lantern@social.example") -> Checked:
    return Checked(
        path=f"pulls/mastodon/run/{client}/lantern/20261117T040100.000000Z.json",
        pull=pull(client, ref),
        result=CheckResult(
            rejected=(),
            verdicts=tuple(verdicts(client, ref)),
            outcomes=tuple(passed()),
        ),
    )


def failed(client: str = "tidewater-cycles", ref: str = "@tidewater@social.example") -> Checked:
    reason = "Unauthorized: the token was refused"
    return Checked(
        path=f"pulls/mastodon/run/{client}/tidewater/20261117T040100.000000Z.json",
        pull=pull(client, ref, reason),
        result=CheckResult(
            rejected=(),
            verdicts=tuple(
                verdicts(client, ref, dict.fromkeys(range(10, 17), ("red", ("Mastodon could not be read.",))))
            ),
            failed=reason,
        ),
    )
