"""From what was observed to the facts of one week's report. Reads the warehouse as of a moment, and nothing else."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from itertools import groupby

import msgspec
from sqlalchemy import Connection

from widerview.agency.models import WEEKDAYS, Client
from widerview.measures.completion import COMPLETE
from widerview.measures.goals import YEAR_WEEKS
from widerview.measures.posts import PostCount, best_posts, posting
from widerview.measures.response import Message, Response, response
from widerview.measures.usual import COVERAGE, WIDE_COVERAGE, Range, usual_ranges, usual_weekdays, week_word, word
from widerview.measures.weeks import Week
from widerview.quality.history import label
from widerview.quality.verdict import COLOURS, Flaw, FlawKind, is_early
from widerview.report.ask import ask_of
from widerview.report.campaigns import campaign_facts, running_campaigns, untagged_social
from widerview.report.facts import (
    AccountFact,
    Answers,
    ChannelFact,
    Chart,
    Colour,
    Conversation,
    DayNote,
    DayPoint,
    Facts,
    Figure,
    Grade,
    Hours,
    Lift,
    PostFact,
    Posting,
    RateFact,
    SourceFact,
    Usual,
)
from widerview.report.goals import goal_facts, running_goals
from widerview.report.lessons import pick
from widerview.report.level_changes import CHANGE_WEEKS, OF_POSTS, with_changes
from widerview.report.long_past import Arrived, Breaks, LongPast, counted_alike
from widerview.report.plans import due_on, planned, sent_on
from widerview.report.rates import conversion_rates, rates_of_answers, rates_of_posts
from widerview.report.social import PASSED_ON, REACTIONS, PostNumbers, Social, TargetKey, partner_accounts
from widerview.report.voice import marked
from widerview.report.web import SETTLED_AFTER, Web, counting_sites
from widerview.report.worth_knowing import DailySeries
from widerview.report.year import year_of
from widerview.sources.base import plain_handle
from widerview.sources.registry import SOURCES
from widerview.tagging.links import MEDIA
from widerview.vocabulary.metrics import METRICS
from widerview.warehouse import read

HISTORY_WEEKS = 12
ENOUGH_CONVERSATIONS = 5
"""Of fewer it is not told how long half of them waited."""
CHART_DAYS = 28
_MOST_SPARED = 1 / 3
"""The share of a client's reactions that a report may be without."""

_HOUR = 3600

_NOT_READ = "Not all days of the week have been read yet."


def compose(
    connection: Connection,
    client: Client,
    week: Week,
    as_of: dt.datetime,
    *,
    titles: Mapping[str, str],
    office_hours: str,
    seen_until: dt.datetime | None = None,
) -> Facts:
    """Work out everything the report on a week may say.

    Past weeks are held against this one at the same age where that had been observed: a week that ended two days
    ago is compared with what earlier weeks had earned two days after their end.

    With `seen_until` an earlier report is composed as of a later moment: its numbers as they would have been, had
    all been known then that is known by `as_of`. Running totals do not grow beyond it.

    Args:
        connection: The warehouse; one snapshot, so that no load comes between the reads.
        client: The client.
        week: The week to report.
        as_of: What was recorded later does not exist (UTC).
        titles: Names of the sources for people, e.g. `{"bluesky": "Bluesky"}`.
        office_hours: The client's office hours in words, for the footer.
        seen_until: When the platforms were looked at (UTC); `as_of` if left out.

    Returns:
        The facts; the revision is 1 until the report is saved.
    """
    weeks = [week.shift(-ago) for ago in range(HISTORY_WEEKS, 0, -1)] + [week]
    seen_until = seen_until or as_of
    months = _weeks_in_view(client, week)
    shows_year = client.report.shows_year(due_on(client, week))
    long = [week.shift(-ago) for ago in range(max(months, YEAR_WEEKS if shows_year else 0) - 1, -1, -1)]
    everybody = Social.read(connection, client, weeks, as_of, seen_until, pulled_since=long[0].monday)
    web = Web.read(connection, client, long[-months].monday, week.sunday, as_of)
    verdicts = _verdicts(connection, client, week, as_of)
    absent = {target for target, days in verdicts.items() if any(verdict.colour == "red" for verdict in days)}
    # A number that the report does not lead with can be absent without holding the mail: then it is left out of all
    # weeks alike, and the reader is told.
    partners = partner_accounts(client)
    own = everybody.without(partners)
    is_silent = bool(client.accounts) and not absent & own.configured and own.is_silent(week)
    spared = _spared(client, own, absent)
    social = own.without(spared)
    breaks = Breaks.between(client, long[0].monday, week.sunday)
    arrived = _arrived(client, week, social, web, seen_until)
    past = LongPast.read(connection, client, social, web, long, as_of, breaks, arrived)
    figures = _figures(client, weeks, social, web, arrived, breaks)
    figures = with_changes(figures, past, long[-CHANGE_WEEKS:], client.timeline)
    year = year_of(past, week, so_far=_is_so_far(figures)) if shows_year else None
    if is_silent:  # of what follows from no posts one sentence is enough
        figures = tuple(figure for figure in figures if figure.id not in OF_POSTS)
    # What is counted otherwise now does not say what is usual for a week.
    post_weeks = [*counted_alike(weeks[:-1], breaks.posts), week]
    visit_weeks = [*counted_alike(weeks[:-1], breaks.visits), week]
    series = DailySeries.read(connection, client, social, spared, weeks, as_of, titles)
    sources = tuple(_sources(verdicts, spared, social.lacking(week), titles))
    colour = max((source.colour for source in sources), key=COLOURS.index)
    sender = client.sender
    sent = sent_on(client, week, seen_until)
    answered = _answered(client, week, social, seen_until)
    conversation = _conversation(week, social, answered)
    campaigns = campaign_facts(connection, client, week, as_of, seen_until, everybody.without(spared), titles)
    facts = Facts(
        client_id=client.client,
        client_name=client.name,
        locale=client.locale,
        time_zone=client.time_zone,
        period=str(week),
        first_day=week.monday,
        last_day=week.sunday,
        revision=1,
        as_of=as_of,
        colour=colour,
        grade=_grade(colour, figures, posted=not is_silent),
        figures=_in_order(client, figures),
        chart=None if year or (is_silent and not client.visit_counters) else _chart(client, weeks, social, web, breaks),
        year=year,
        worth_knowing=series.notable_days(client, seen_until, titles),
        goals=tuple(goal_facts(client, past, weeks)),
        posts=_posts(post_weeks, social, titles),
        posting=_posting(post_weeks, social),
        nothing_posted=is_silent,
        channels=_channels(visit_weeks, web) if counted_alike([week], breaks.visits) else (),
        campaigns=campaigns,
        untagged=untagged_social(connection, client, week, as_of, web),
        conversation=conversation,
        rates=tuple(_rates(connection, client, weeks, as_of, social, answered, titles)),
        sources=sources,
        accounts=tuple(_account_facts(week, social, titles)),
        lesson=None,
        planned=planned(client, sent),
        ask=ask_of(client, week, sent, campaigns, conversation),
        sender_name=sender.name,
        sender_email=sender.email,
        reply_to=sender.reply_to or sender.email,
        agency=sender.agency,
        postal_address=sender.postal_address,
        office_hours=office_hours,
        hours=tuple(_hours(client)),
        closed_on_holidays=bool(client.holidays.country or client.holidays.also),
        client_file=client.model_dump_json(),
        pdf=client.report.pdf,
        glossary_url=sender.glossary_url or "",
    )
    return msgspec.structs.replace(facts, lesson=pick(facts, _shown(connection, client, week, as_of)))


def _shown(connection: Connection, client: Client, week: Week, as_of: dt.datetime) -> dict[str, int]:
    """How many weeks ago each card of education was last shown to the client."""
    return {
        card: (week.monday - Week.parse(period).monday).days // 7
        for card, period in read.lessons_shown(connection, client.client, as_of, before=str(week)).items()
    }


def _weeks_in_view(client: Client, week: Week) -> int:
    """How many weeks are looked at to see lasting changes, and the goals of the week from their first day on."""
    goals = [(week.monday - Week.of(goal.starts).monday).days // 7 + 1 for goal in running_goals(client, week)]
    return max([CHANGE_WEEKS, *goals])


def _in_order(client: Client, figures: Sequence[Figure]) -> tuple[Figure, ...]:
    """The figures, those first that the client's file names."""
    first: dict[str, int] = {name: place for place, name in enumerate(client.report.figures)}
    return tuple(sorted(figures, key=lambda figure: first.get(figure.id, len(first))))  # stable


def _is_so_far(figures: Sequence[Figure]) -> bool:
    return any(figure.so_far for figure in figures if figure.id in OF_POSTS)


def _arrived(client: Client, week: Week, social: Social, web: Web, seen_until: dt.datetime) -> Arrived:
    """How much of the week had come in, as seen in earlier weeks; where nothing was, by how long ago it ended."""
    is_early = seen_until < week.bounds(client.zone)[1] + SETTLED_AFTER

    def of(share: float | None) -> float | None:
        if share is None:
            return None if is_early else 1.0
        return share if share < COMPLETE else 1.0

    return Arrived(of(social.completeness), of(web.completeness(week, client.zone, seen_until)))


def _figures(
    client: Client, weeks: Sequence[Week], social: Social, web: Web, arrived: Arrived, breaks: Breaks
) -> tuple[Figure, ...]:
    """The figures of the last week; what a platform counted otherwise is unknown, for no sum or range joins the two."""
    posts: dict[str, list[float | None]] = {}
    visits: dict[str, list[float | None]] = {}
    if client.accounts:
        posts["reactions_per_post"] = [social.reactions_per_post(week) for week in weeks]
        posts["replies_received"] = [social.sum(week, ["replies"]) for week in weeks]
        posts["passed_on"] = [social.sum(week, PASSED_ON) for week in weeks]
    if client.visit_counters:
        visits["visits"] = [web.week(week) for week in weeks]
        visits["social_visits"] = [web.split(week, "channel", "social") for week in weeks]
        if running_campaigns(client, weeks[-1]):
            # Weeks without a campaign say nothing of what is usual for a week with one.
            visits["campaign_visits"] = [
                web.campaign_visits(week, running) if (running := running_campaigns(client, week)) else None
                for week in weeks
            ]
    for kind, since in ((posts, breaks.posts), (visits, breaks.visits)):
        alike = set(counted_alike(weeks, since))
        for name, values in kind.items():
            kind[name] = [value if week in alike else None for week, value in zip(weeks, values, strict=True)]
    early = dict.fromkeys(posts, arrived.posts != 1) | dict.fromkeys(visits, arrived.visits != 1)
    # Reactions swing more than visits do, so each kind learns its spread from its own.
    usual = _usual_of(posts, {"reactions_per_post": social.posts_behind(weeks)}) | _usual_of(visits)
    return tuple(
        Figure(
            id=name,
            label=METRICS[name].label,
            meaning=METRICS[name].meaning,
            value=values[-1],
            decimals=1 if METRICS[name].additivity == "ratio" else 0,
            usual=_usual(usual[name]),
            word=word(values[-1], usual[name]),
            last_week=values[-2],
            so_far=early[name],
            definition=METRICS[name].definition,
        )
        for name, values in (posts | visits).items()
    )


def _usual_of(
    series: Mapping[str, Sequence[float | None]], of: Mapping[str, float] | None = None
) -> dict[str, Range | None]:
    """The usual ranges of some weekly series, learnt from all weeks but the last."""
    return usual_ranges({name: values[:-1] for name, values in series.items()}, of)


def _usual(found: Range | None) -> Usual | None:
    if found is None:
        return None
    return Usual(
        low=found.low,
        high=found.high,
        coverage=COVERAGE,
        weeks=found.weeks,
        wide_low=found.wide_low,
        wide_high=found.wide_high,
        wide_coverage=WIDE_COVERAGE,
    )


def _grade(colour: Colour, figures: Sequence[Figure], *, posted: bool) -> Grade:
    """The week in one word: without posts it is quiet, whatever its figures are."""
    if colour == "red":
        return "needs you"
    if not posted:
        return "quiet"
    far = [word(figure.value, figure.usual and figure.usual.wide) for figure in figures]
    return week_word([figure.word for figure in figures], far)


def _chart(client: Client, weeks: Sequence[Week], social: Social, web: Web, breaks: Breaks) -> Chart | None:
    week = weeks[-1]
    days = [week.sunday - dt.timedelta(days=ago) for ago in range(CHART_DAYS - 1, -1, -1)]
    values: Mapping[dt.date, float | None]
    if client.visit_counters:
        title, unit, values, since = marked("Visits to your website"), "visits", web.days, breaks.visits
    elif client.accounts:
        title, unit, since = marked("Reactions, by the day of the post"), "reactions", breaks.posts
        values = _reactions_by_day(client, social)
    else:
        return None
    first = max(weeks[0].monday, since or dt.date.min)
    usual = usual_weekdays({day: value for day, value in values.items() if first <= day < week.monday})
    noted = _noted(client, since)
    return Chart(
        title=title,
        unit=unit,
        points=tuple(
            DayPoint(
                day=day,
                value=values.get(day),
                low=usual[day.weekday()][0] if day.weekday() in usual else None,
                high=usual[day.weekday()][1] if day.weekday() in usual else None,
                noted=tuple(noted[day]) if day in noted else (),
            )
            for day in days
        ),
    )


def _reactions_by_day(client: Client, social: Social) -> dict[dt.date, float | None]:
    days: dict[dt.date, float | None] = {day: 0.0 for week in social.known for day in week.days}
    for week in social.known:
        for post in social.published(week):
            day = post.post.published_at.astimezone(client.zone).date()
            reactions = post.sum(REACTIONS)
            known_before = days[day]
            days[day] = None if reactions is None or known_before is None else known_before + reactions
    return days


def _noted(client: Client, since: dt.date | None) -> Mapping[dt.date, list[DayNote]]:
    """What happened on which day, as far as the client's file says, and since when a platform counts otherwise."""
    noted: defaultdict[dt.date, list[DayNote]] = defaultdict(list)
    for campaign in client.campaigns:
        noted[campaign.starts].append(DayNote(what="campaign starts", name=campaign.name))
    for campaign in client.campaigns:
        for asset in campaign.assets:
            if asset.starts or MEDIA.get(asset.kind) == "print":  # what hangs does so from the campaign's first day on
                noted[campaign.days_of(asset)[0]].append(DayNote(what="asset starts", name=asset.name))
    for entry in client.timeline:
        noted[entry.day].append(DayNote(what="timeline", name=entry.what))
    if since:
        noted[since].append(DayNote(what="measured differently"))
    return noted


def _posts(weeks: Sequence[Week], social: Social, titles: Mapping[str, str]) -> tuple[PostFact, ...]:
    """Up to three posts of the week, by how far they stand out from the same account's typical post of their kind.

    A post of whose kind too few are known is taken for a typical one, and stands behind those that drew more.
    """
    lifts = _lifts(weeks, social)

    def stands_out(post: PostNumbers) -> tuple[float, int]:
        lift = lifts.get((post.post.source, post.post.post_id))
        return (lift.times if lift else 1.0, post.sum(REACTIONS) or 0)

    best: list[PostNumbers] = []
    shown: dict[str, str] = {}
    posts = sorted(social.published(weeks[-1]), key=lambda each: each.post.post_id)
    for post in sorted(posts, key=stands_out, reverse=True):
        # The same words on two platforms are one post to the reader: the better one is shown.
        words = " ".join(post.post.text.casefold().split()[:8]) or post.post.post_id
        times, reactions = stands_out(post)
        if reactions and times >= 1 and shown.setdefault(words, post.post.source) == post.post.source:
            best.append(post)
    return tuple(
        PostFact(
            platform=titles[post.post.source],
            text=post.post.text,
            permalink=post.post.permalink,
            published_at=post.post.published_at,
            reactions=post.sum(REACTIONS) or 0,
            replies=post.sum(["replies"]),
            reposts=post.sum(["reposts", "quotes"]),
            shares=post.sum(["shares"]),
            lift=lifts.get((post.post.source, post.post.post_id)),
        )
        for post in best[:3]
    )


def _lifts(weeks: Sequence[Week], social: Social) -> dict[tuple[str, str], Lift]:
    """The lifts of the last week's posts, by source and post id, where enough is known to tell."""
    posts = social.published(weeks[-1])
    past = [_counted(post) for week in weeks[:-1] for post in social.published(week)]
    return {
        (posts[each.post].post.source, posts[each.post].post.post_id): Lift(
            # Digits that nobody prints are left out: another processor's logarithm may differ in the last ones.
            times=round(each.lift, 3),
            low=round(each.low, 3),
            high=round(each.high, 3),
            coverage=COVERAGE,
        )
        for each in best_posts([_counted(post) for post in posts], past, COVERAGE)
    }


def _counted(post: PostNumbers) -> PostCount:
    # Each post counts as seen once, also where the platform tells how often it was: what the reader sees beside the
    # lift is what the post drew, not how willing those were who happened to see it.
    return PostCount((post.post.source, post.post.account_id, post.post.kind), earned=post.sum(REACTIONS), seen=1.0)


def _posting(weeks: Sequence[Week], social: Social) -> Posting | None:
    found = posting(
        [[_counted(post) for post in social.published(week)] if week in social.known else None for week in weeks]
    )
    if found is None:
        return None
    return Posting(posts=found.posts, usual_posts=found.usual_posts, fewer_earned_more=found.fewer_earned_more)


def _channels(weeks: Sequence[Week], web: Web) -> tuple[ChannelFact, ...]:
    members = web.members(weeks[-1], "channel")
    series = {member: [web.split(week, "channel", member) for week in weeks] for member in members}
    usual = _usual_of(series)
    visits = {member: values[-1] for member, values in series.items()}
    return tuple(
        ChannelFact(
            channel=member,
            visits=_whole(visits[member]),
            usual=_usual(usual[member]),
            word=word(visits[member], usual[member]),
        )
        for member in members
    )


def _conversation(week: Week, social: Social, answered: Response | None) -> Conversation:
    return Conversation(
        received=social.sum(week, ["replies"]),
        written=social.written.get(week, 0) if week in social.known else None,
        written_at_least=_may_hide_replies(social),
        answers=_answers(answered) if answered else None,
    )


def _answers(found: Response) -> Answers:
    median = found.median if found.received >= ENOUGH_CONVERSATIONS else None
    return Answers(
        received=found.received,
        answered=found.answered,
        half_within=None if median is None else round(median / _HOUR, 3),
    )


def _may_hide_replies(social: Social) -> bool:
    return any(not SOURCES[account.source].tells_all_replies for account in social.accounts)


def _answered(client: Client, week: Week, social: Social, seen_until: dt.datetime) -> Response | None:
    if week not in social.known:
        return None
    messages = [Message(each.written_at, each.answered_at) for each in social.received if each.written_at <= seen_until]
    return response(messages, client, seen_until)


def _rates(
    connection: Connection,
    client: Client,
    weeks: Sequence[Week],
    as_of: dt.datetime,
    social: Social,
    answered: Response | None,
    titles: Mapping[str, str],
) -> Iterator[RateFact]:
    """All rates of the week; of answers only where the platforms tell of all, and enough were asked for."""
    yield from rates_of_posts(weeks, social, titles)
    yield from conversion_rates(connection, client, weeks, as_of)
    if answered and answered.received >= ENOUGH_CONVERSATIONS and not _may_hide_replies(social):
        yield from rates_of_answers(answered)


def _verdicts(
    connection: Connection, client: Client, week: Week, as_of: dt.datetime
) -> dict[TargetKey, list[read.Verdict]]:
    """The verdicts on each day of the week for each account and website; a day that was never judged is red."""
    refs = {(account.platform, account.handle): plain_handle(account.handle) for account in client.accounts}
    refs |= {(site.platform, site.site_id): site.site_id for site in client.web}
    refs |= {(each.platform, each.name): each.name for each in client.offline}
    found = {(verdict.source, verdict.ref, verdict.day): verdict
             for verdict in read.verdicts(connection, client.client, as_of, week.monday, week.sunday)}  # fmt: skip

    def never(source: str, ref: str, day: dt.date) -> read.Verdict:
        return read.Verdict(source=source, ref=ref, day=day, colour="red", reasons=(_NOT_READ,), observed_at=as_of)

    return {
        (source, target): [found.get((source, ref, day)) or never(source, ref, day) for day in week.days]
        for (source, ref), target in refs.items()
    }


def _spared(client: Client, social: Social, absent: Set[TargetKey]) -> Set[TargetKey]:
    """Of what is wrong or absent, all that the report does not lead with.

    It leads with the visits to the website, and with what people did with the posts. So an account whose posts used to
    get at most a third of the reactions can be left out, and so can any source that does not count the visits.
    """
    counters = counting_sites(client)
    accounts = absent & social.configured
    reactions = {target: social.reactions_of(target) for target in social.configured}
    few = sum(reactions[target] for target in accounts) <= sum(reactions.values()) * _MOST_SPARED
    if not few or accounts == social.configured or not any(reactions.values()):
        return absent - counters - accounts
    return absent - counters


def _sources(
    verdicts: Mapping[TargetKey, Sequence[read.Verdict]],
    spared: Set[TargetKey],
    lacking: Mapping[str, Sequence[str]],
    titles: Mapping[str, str],
) -> Iterator[SourceFact]:
    """The worst verdict on each source over the week, with its reasons.

    Days of which more may come within the delay that the source states are not late: their figures say "so far".
    `lacking` are the metrics, by source, that most posts of the week lack.
    """
    for source in dict.fromkeys(source for source, _ in verdicts):
        of_source = {target: days for target, days in verdicts.items() if target[0] == source}
        flaws: defaultdict[FlawKind, set[dt.date]] = defaultdict(set)
        not_given = {metric: METRICS[metric].label for metric in lacking.get(source, ())}
        colours: list[Colour] = ["amber" if not_given else "green"]
        lines = [f"Most posts of the week lack {label(metric)}" for metric in not_given]
        for target, days in of_source.items():
            for verdict in days:
                # A verdict of before there were flaws does not say which.
                for flaw in verdict.flaws or ([Flaw("late")] if verdict.colour == "amber" else []):
                    flaws[flaw.kind].add(verdict.day)
                    if flaw.metric:
                        not_given[flaw.metric] = METRICS[flaw.metric].label
            reasons = list(dict.fromkeys(reason for verdict in days for reason in verdict.reasons))
            if target in spared:
                reasons.append("The figures of this report are without it, in all weeks.")
                colours.append("amber")
            else:
                colours += [_colour(verdict) for verdict in days]
            lines.append("; ".join(reason.removesuffix(".") for reason in reasons))
        absent = {verdict.day for days in of_source.values() for verdict in days if verdict.colour == "red"}
        of = SOURCES[source]
        yield SourceFact(
            source=source,
            title=titles[source],
            analytics=of.title if of.counts_visits else "",
            colour=max(colours, key=COLOURS.index),
            line="; ".join(dict.fromkeys(line for line in lines if line)) or "all seven days have been read",
            late=tuple(sorted(flaws["late"] - absent)),
            absent=tuple(sorted(absent)),
            left_out=not spared.isdisjoint(of_source),
            early=tuple(sorted(flaws["early"] - flaws["late"] - absent)),
            held=tuple(sorted(flaws["held"] - absent)),
            unlike=tuple(sorted(flaws["unlike"] - absent)),
            not_given=tuple(not_given.values()),
        )


def _colour(verdict: read.Verdict) -> Colour:
    """What a day's verdict means for a report: what is only early is not missed."""
    return "green" if is_early(verdict.colour, verdict.flaws) else verdict.colour


def _account_facts(week: Week, social: Social, titles: Mapping[str, str]) -> Iterable[AccountFact]:
    for account in social.accounts:
        yield AccountFact(
            platform=titles[account.source],
            handle=account.handle,
            url=account.url,
            posts=sum(
                (post.post.source, post.post.account_id) == (account.source, account.account_id)
                for post in social.published(week)
            ),
            followers=social.followers.get((account.source, account.account_id)),
        )


def _hours(client: Client) -> Iterator[Hours]:
    """The client's office hours, days that follow each other and have the same ones together."""
    for hours, days in groupby(enumerate(WEEKDAYS), key=lambda day: client.office_hours.get(day[1])):
        numbers = [number for number, _ in days]
        if hours is not None:
            yield Hours(first=numbers[0], last=numbers[-1], opens=hours.opens, closes=hours.closes)


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)
