"""The words of mails to the account manager: what was seen, since when, where, and what to do first. Pure."""

import datetime as dt
import re
from collections.abc import Mapping, Sequence

from widerview.agency import office_hours
from widerview.agency.models import Client
from widerview.delivery.message import Words
from widerview.measures.crisis import WINDOW_HOURS
from widerview.sources.registry import SOURCES
from widerview.vocabulary.metrics import METRICS
from widerview.warehouse.crises import CommentedPost, Crisis
from widerview.warehouse.missing_metrics import MissingMetric

_MOST_POSTS = 5
_MOST_NAMED = 2
_MOST_SAID = 300
_LINK = re.compile(r"https?://[!-~]+")


def alert(
    client: Client, crisis: Crisis, posts: Sequence[CommentedPost], unwatched: Sequence[str], *, over: bool
) -> Words:
    """Tell of a rush of comments, `over` or not.

    Args:
        client: The client.
        crisis: The rush.
        posts: Where people wrote; those with most comments first.
        unwatched: What is not watched, and why, a line each.
        over: Whether comments are back to what is usual.
    """
    days = f"from {_when(client, crisis.first_look)} to {_when(client, crisis.last_look)}"
    since = (
        f"it was so {days}, and has not been since."
        if over
        else f"first seen on {_when(client, crisis.first_look)}, and still so on {_when(client, crisis.last_look)}. "
        f"Comments are counted up to {_when(client, crisis.looked_until)}."
    )
    hours = (
        "You get this at any hour, because the client's file says that you are on call."
        if client.crisis.on_call
        else f"Such mails come inside office hours only ({office_hours.describe(client)}): nobody is expected to read "
        "them at night."
    )
    later = "It is told once." if over else "You hear of it once more: when it is over, or if it lasts."
    return Words(
        f"{client.name}: many more comments than usual",
        "\n\n".join(
            [
                f"Far more people than usual {'have written' if over else 'are writing'} to {client.name}.",
                f"What was seen: {_seen(client, crisis)}",
                f"Since when: {since}",
                "Where:\n" + "\n".join(_where(posts)),
                _FIRST.format(name=client.name),
                *(["Not watched:\n" + "\n".join(f"- {line}" for line in unwatched)] if unwatched else []),
                f"{later} {hours} {client.name} gets no mail like this.",
            ]
        )
        + "\n",
    )


def closing(client: Client, crisis: Crisis, *, over: bool) -> Words:
    """Tell, after the alert, that the rush is `over`, or that it goes on."""
    if over:
        subject = f"{client.name}: comments are back to usual"
        said = f"Comments to {client.name} are back to what is usual: since {_when(client, crisis.last_look)}."
        do = (
            "What is left: see whether everybody who asked something has an answer, and write down in two lines what "
            "it was about. That helps with the next one."
        )
    else:
        subject = f"{client.name}: still more comments than usual"
        said = f"More people than usual go on writing to {client.name}: still so on {_when(client, crisis.last_look)}."
        do = "Let somebody else take over for a while from whoever has been answering. Little gets better by hurry."
    seen = f"It began on {_when(client, crisis.first_look)}. At its height there were {_seen(client, crisis)}"
    return Words(subject, "\n\n".join([said, seen, do, "This is the last mail about it."]) + "\n")


def metrics_missing(
    client: Client,
    missing: Sequence[MissingMetric],
    since: Mapping[str, dt.datetime | None],
    others: Sequence[str],
) -> Words:
    """Tell that a platform does not give some metrics of an account (any more).

    Args:
        client: Whose account was asked.
        missing: The metrics, all of one account.
        since: Since when pulls come without each; None: the last one still had it.
        others: Names of other clients with accounts on the platform.
    """
    source, ref = SOURCES[missing[0].source], missing[0].ref
    names = [_name(each.metric) for each in missing]
    listed = ", ".join(names[:-1]) + (f" and {names[-1]}" if len(names) > 1 else names[0])
    what = "\n".join(
        f"- {_name(each.metric)} ({each.native_metric}), {_since(client, each, since.get(each.metric))}. "
        f"{source.title} says: {_said(each.reason)}"
        for each in missing
    )
    lines = "\n".join(f"  {source.title} does not give {name}." for name in names)
    asked = (
        f"Only this account was asked. These clients have accounts or sites there, too: {', '.join(others)}."
        if others
        else "No other client has an account or site there."
    )
    page = f" ({source.renewal_page})" if source.renewal_page else ""
    return Words(
        f"{source.title} does not give {listed if len(names) <= _MOST_NAMED else f'{len(names)} numbers'} any more",
        "\n\n".join(
            [
                f"{source.title} was asked for each number of {ref} of {client.name} alone, ahead of the next reports. "
                f"It did not give {listed}.",
                f"What is missing, and since when:\n{what}",
                "What the reports will say instead: \u201cnot reported\u201d where such a number stood, never 0, and "
                f"in the line about the data:\n{lines}\nWhat was reported before stays, and reports go out as planned.",
                "What to do:\n"
                f"1. Where {source.title} speaks of rights or permissions, it withholds the number from this account: "
                f"have the account's owner consent anew{page}. Where it speaks of too few people, there is nothing to "
                "do.\n"
                "2. Else it has given the number up. Whoever looks after Widerview finds in the platform's documents "
                f"what took its place, and writes the day of the change into {source.name}.yaml.\n"
                "3. Where a client likes to look at it, say a word before the report does.",
                f"{asked} You hear of this once, and again only if {source.title} gives another reason. Such mails "
                "come while the agency is open; clients get no mail like this.",
            ]
        )
        + "\n",
    )


def _name(metric: str) -> str:
    return METRICS[metric].label.lower() if metric in METRICS else metric


def _since(client: Client, missing: MissingMetric, since: dt.datetime | None) -> str:
    if since is None:
        return f"first missed on {_when(client, missing.found_at)}; the last pull still had it, or had not asked for it"
    return f"missing from every pull since {_when(client, since)}"


def _said(reason: str) -> str:
    words = " ".join(reason.split())
    return words if len(words) <= _MOST_SAID else f"{words[:_MOST_SAID]}\u2026"


_FIRST = """\
What to do first:
1. Read what people write. Widerview counts comments and does not understand them: they may be angry or glad.
2. Breathe. A calm answer in an hour is better than a quick one now.
3. A person answers, with their name. Delete nothing; hold back planned posts until you know what it is about.
4. Tell {name} yourself, by phone or in your own words. Do not forward this mail."""


def _seen(client: Client, crisis: Crisis) -> str:
    low, high = crisis.usual_low, crisis.usual_high
    usual = f"{low} to {high}" if low < high else f"{high or 'none'}"
    return (
        f"{crisis.comments} comments in the {WINDOW_HOURS} hours up to {_when(client, crisis.peak_look)}. "
        f"On nine of ten days there are {usual} at that time."
    )


def _where(posts: Sequence[CommentedPost]) -> list[str]:
    lines = [
        f"- {SOURCES[post.source].title}, {post.comments} {_comments(post.comments)}: "
        + (post.permalink if _LINK.fullmatch(post.permalink) else "the platform gives no link")
        for post in posts[:_MOST_POSTS]
    ]
    rest = posts[_MOST_POSTS:]
    if rest:
        count = sum(post.comments for post in rest)
        lines.append(f"- and {count} {_comments(count)} under {len(rest)} more post{'s' if len(rest) > 1 else ''}")
    return lines


def _comments(count: int) -> str:
    return "comment" if count == 1 else "comments"


def _when(client: Client, moment: dt.datetime) -> str:
    return f"{moment.astimezone(client.zone):%A %-d %B, %H:%M}"
