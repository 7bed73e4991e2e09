"""The workload: accounts with a thousand posts each and 19 totals a post, of the shape that bench/ingest serves.

It is made in the process that uses it, from nothing but the standard library, so that a peer's environment can make it,
too. One row in 10,000 is wrong in each of a few ways.
"""

import datetime as dt
import random
from collections.abc import Iterator, Sequence
from functools import cache

POSTS_OF_AN_ACCOUNT = 1_000
KNOWN_POSTS = 200
"""Posts of each account that had been known before, the newest."""
ROWS_AT_ONCE = 200_000
"""Rows that are judged at once, as in a task of ours."""
LIMIT = 10**12
"""What is counted stays below it."""
CLOCK_SLACK = dt.timedelta(minutes=5)
EARLIEST = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
KINDS = ("text", "image", "video", "link", "poll", "quote", "carousel", "reel", "story")

FIRST_DAY, LAST_DAY = dt.date(2026, 10, 31), dt.date(2026, 11, 28)
OBSERVED = dt.datetime(2026, 11, 29, 6, tzinfo=dt.UTC)
KNOWN = OBSERVED - dt.timedelta(days=1)

FAULTS = ("no permalink", "not yet published", "unknown kind", "negative total", "total too large", "contradicted")
"""What is wrong, each with one row in `ROWS_A_FAULT`."""
FALLEN = "fallen total"
"""What is wrong beside what was known, just as often."""
ROWS_A_FAULT = 10_000

_POSTS_OF_A_PAGE = 100
_BETWEEN_POSTS = dt.timedelta(minutes=40)
_WORDS = ("launch", "summer", "growth", "client", "brand", "coffee", "été", "naïve", "東京", "🚀", "offer", "weekly")
_TEXT_LENGTH = 430
_TEMPLATES = 320


def accounts(rows: int) -> list[str]:
    """The ids of the accounts that have `rows` posts together."""
    return [str(1_000_000 + number) for number in range(rows // POSTS_OF_AN_ACCOUNT)]


def posts(account: str, metrics: Sequence[str], *, faulty: bool = True) -> Iterator[dict[str, object]]:
    """An account's posts by the names of a post's fields, the newest first."""
    first = (int(account) - 1_000_000) * POSTS_OF_AN_ACCOUNT
    newest = OBSERVED - dt.timedelta(hours=12, minutes=int(account) % 400)
    texts, counts = _templates(len(metrics))
    observed_at = OBSERVED
    for number in range(POSTS_OF_AN_ACCOUNT):
        if number % _POSTS_OF_A_PAGE == 0:  # a page is observed at one moment
            observed_at = OBSERVED + dt.timedelta(seconds=number // _POSTS_OF_A_PAGE)
        post_id = f"{account}_{number:010d}"
        row: dict[str, object] = {
            "account_id": account,
            "post_id": post_id,
            "published_at": newest - number * _BETWEEN_POSTS,
            "observed_at": observed_at,
            "kind": KINDS[number % 4],
            "text": f"{texts[(first + number) % _TEMPLATES]} {number}",
            "permalink": f"https://www.facebook.com/{account}/posts/{number:010d}",
            "counts": dict(zip(metrics, counts[(first + number * 7) % _TEMPLATES], strict=True)),
        }
        yield _spoil(row, first + number) if faulty else row


def known_posts(account: str, metrics: Sequence[str]) -> Iterator[dict[str, object]]:
    """What had been known of an account's newest posts, a little less than what is counted now."""
    first = (int(account) - 1_000_000) * POSTS_OF_AN_ACCOUNT
    for number, row in zip(range(KNOWN_POSTS), posts(account, metrics, faulty=False), strict=False):
        counts: dict[str, int] = row["counts"]  # type: ignore[assignment]
        known = {metric: None if value is None else value - value // 10 for metric, value in counts.items()}
        if (first + number) % ROWS_A_FAULT == KNOWN_POSTS // 2:
            known["post_clicks"] = counts["post_clicks"] + 1
        yield row | {"counts": known, "observed_at": KNOWN}


def _spoil(row: dict[str, object], position: int) -> dict[str, object]:
    """Plant a fault, each in an account of its own and not among the posts that are known."""
    account, at = divmod(position % ROWS_A_FAULT, POSTS_OF_AN_ACCOUNT)
    if at != POSTS_OF_AN_ACCOUNT // 2 + account or account >= len(FAULTS):
        return row
    counts: dict[str, int | None] = row["counts"]  # type: ignore[assignment]
    match FAULTS[account]:
        case "no permalink":
            row["permalink"] = ""
        case "not yet published":
            row["published_at"] = OBSERVED + dt.timedelta(days=1)
        case "unknown kind":
            row["kind"] = "poem"
        case "negative total":
            counts["post_clicks"] = -1
        case "total too large":
            counts["post_impressions"] = LIMIT
        case "contradicted":
            row["post_id"] = f"{row['account_id']}_{at - 1:010d}"
    return row


@cache
def _templates(metrics: int) -> tuple[list[str], list[list[int | None]]]:
    """Texts, and totals; the last of them is not reported for one post in ten."""
    choose = random.Random(7)
    texts, counts = [], []
    for number in range(_TEMPLATES):
        text = ""
        while len(text) < _TEXT_LENGTH:
            text += f"{choose.choice(_WORDS)} "
        texts.append(f'{text}"quoted" \\ line\n#tag https://ex.am/{choose.getrandbits(24):06x}')
        totals: list[int | None] = [choose.randint(0, 99_999) for _ in range(metrics)]
        if number % 10 == 0:
            totals[-1] = None
        counts.append(totals)
    return texts, counts
