"""Every number that a mail prints, by an id: as it is printed, its value, and what it comes from.

One place for all of them, so that none is printed that `widerview explain` does not know. Pure: what it comes from is
named here, and looked up by `widerview.pipeline.explain`.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from widerview.measures.weeks import Week
from widerview.report import narrate, narrate_campaigns, narrate_posts, narrate_rates, narrate_time
from widerview.report.facts import CampaignFact, ChannelFact, CostFact, Facts, Figure, GoalFact, PostFact
from widerview.report.voice import ends, times, voice_of
from widerview.vocabulary.metrics import METRICS

Value = float | tuple[float, ...] | None
"""A number; or both ends of a range; or a number with both ends of its range. None: not reported."""


class Kind(NamedTuple):
    """How numbers of a kind come about.

    Attributes:
        how: In a sentence.
        function: What works them out from their inputs, as it is imported; empty where rows are added up or counted.
        page: Where the documentation tells of it.
    """

    how: str
    function: str
    page: str


KINDS: Mapping[str, Kind] = {
    "series": Kind("What was counted in a week or on a day.", "", "docs/metrics.md"),
    "day": Kind("What was counted on a day.", "", "docs/report.md#worth-knowing"),
    "posts": Kind("The week's posts, counted.", "", "docs/report.md#fewer-better-posts"),
    "followers": Kind("What the platform told last.", "", "docs/metrics.md"),
    "past post": Kind("Reactions to an earlier post.", "", "docs/report.md#posts-people-cared-about"),
    "post": Kind("What people did with one post.", "", "docs/report.md#posts-people-cared-about"),
    "messages": Kind("Messages, counted.", "", "docs/report.md#how-people-were-answered"),
    "untagged": Kind("Visits by links from social networks.", "", "docs/campaigns.md#8-visits-without-a-tag"),
    "campaign": Kind(
        "A number of a campaign's table.",
        "widerview.report.campaigns.campaign_facts",
        "docs/report.md#the-campaigns-table",
    ),
    "file": Kind("It stands in the client's file, as it was when the report was made.", "", "docs/agency.md"),
    "chosen": Kind("How sure a range is, chosen once for all clients.", "", "docs/measures.md"),
    "usual": Kind(
        "The range of a usual week, learnt from the weeks before, and their spread from all numbers of the kind.",
        "widerview.measures.usual.usual_ranges",
        "docs/measures.md#the-usual-week",
    ),
    "weekday": Kind(
        "The range of such a weekday, learnt from the days before.",
        "widerview.measures.usual.usual_weekdays",
        "docs/measures.md#the-usual-week",
    ),
    "usual posts": Kind(
        "The median of the known weeks before.",
        "widerview.measures.posts.posting",
        "docs/report.md#fewer-better-posts",
    ),
    "lift": Kind(
        "How many times a typical post of its account and kind it drew, and the range of it.",
        "widerview.measures.posts.best_posts",
        "docs/measures.md#rates",
    ),
    "change": Kind(
        "How many times the level before the level now is, and the range of it.",
        "widerview.measures.changes.lasting_changes",
        "docs/measures.md#lasting-changes",
    ),
    "goal": Kind(
        "What has come together so far, and what the weeks left are likely to bring.",
        "widerview.measures.goals.pace",
        "docs/measures.md#goals-and-growth",
    ),
    "year": Kind(
        "A usual week of each quarter, and how many times the first one's the last one's is.",
        "widerview.measures.goals.growth",
        "docs/measures.md#goals-and-growth",
    ),
    "effect": Kind(
        "Visits a day above what the days before the campaign, and what it does not touch, make likely.",
        "widerview.measures.effect.effect",
        "docs/measures.md#the-effect-of-a-campaign",
    ),
    "answers": Kind(
        "How the week's conversations were answered, those who still wait counted in, with the range chance leaves.",
        "widerview.measures.response.response",
        "docs/measures.md#time-to-answer",
    ),
    "rate": Kind(
        "Posts, or days, weighed by how much they tell, held against the weeks before.",
        "widerview.measures.posts.rate_range",
        "docs/measures.md#rates",
    ),
    "cost range": Kind(
        "What a result cost, with the range that chance leaves to so few.",
        "widerview.measures.rates.cost_range",
        "docs/measures.md#rates",
    ),
    "worked out": Kind("Worked out from other numbers of the report.", "", "docs/report.md#receipts"),
    "correction": Kind(
        "What the report before said, or would say had all been known then.",
        "widerview.pipeline.past_reports.corrections",
        "docs/report.md#corrections",
    ),
}


class PrintedNumber(NamedTuple):
    """A number of a mail.

    Attributes:
        id: Its name within the report.
        label: What it is, for people.
        text: As the mail prints it.
        value: Before it was rounded.
        kind: How it comes about, one of `KINDS`.
        of: What of that kind it is; what the words mean depends on the kind.
        metric: Its canonical metric; empty if it has none.
    """

    id: str
    label: str
    text: str
    value: Value
    kind: str
    of: tuple[str, ...] = ()
    metric: str = ""


def printed_numbers(facts: Facts) -> dict[str, PrintedNumber]:
    """Give every number that the mail of a report prints, by its id, in the order of their first place."""
    found: dict[str, PrintedNumber] = {}
    for number in _numbers(facts):
        name, more = number.id, 1
        while name in found:  # two things of a campaign may have one name
            name, more = f"{number.id}-{more + 1}", more + 1
        found[name] = number._replace(id=name)
    return found


def _numbers(facts: Facts) -> Iterator[PrintedNumber]:
    for figure in facts.figures:
        yield from _of_figure(facts, figure)
    yield from _of_posting(facts)
    yield from _corrections(facts)
    yield from _chart(facts)
    yield from _year(facts)
    yield from _notable_days(facts)
    for place, goal in enumerate(facts.goals, 1):
        yield from _of_goal(facts, goal, place)
    for place, post in enumerate(facts.posts, 1):
        yield from _of_post(facts, post, place)
    yield from _conversation(facts)
    for channel in facts.channels:
        yield from _of_channel(facts, channel)
    yield from _untagged(facts)
    for campaign in facts.campaigns:
        yield from _of_campaign(facts, campaign)
    yield from _rates(facts)
    yield from _accounts(facts)
    yield from _coverages(facts)


def _of_figure(facts: Facts, figure: Figure) -> Iterator[PrintedNumber]:
    line, name, label = narrate.figure_line(facts, figure), figure.id, figure.label
    of_metric = {"metric": figure.id} if figure.id in METRICS else {}
    yield PrintedNumber(name, label, line.number, figure.value, "series", (name, facts.period), **of_metric)
    if figure.last_week is not None:
        before = str(Week.parse(facts.period).shift(-1))
        yield PrintedNumber(
            f"{name}/last-week",
            f"{label}, the week before",
            line.last_week,
            figure.last_week,
            "series",
            (name, before),
            **of_metric,
        )
    if figure.usual:
        low, high = figure.usual.low, figure.usual.high
        yield PrintedNumber(f"{name}/usual", f"{label}, usually", line.usual, (low, high), "usual", (name,))
        wide = figure.usual.wide_low, figure.usual.wide_high
        if line.wide and wide[0] is not None and wide[1] is not None:
            yield PrintedNumber(f"{name}/wide", f"{label}, wide range", line.wide, (wide[0], wide[1]), "usual", (name,))
    change = figure.change
    if change and change.times is not None and change.low is not None and change.high is not None:
        yield PrintedNumber(
            f"{name}/change",
            f"{label}, since when it is another",
            narrate_time.level_change(facts, change),
            (change.times, change.low, change.high),
            "change",
            (name,),
        )


def _of_posting(facts: Facts) -> Iterator[PrintedNumber]:
    posting, voice = facts.posting, voice_of(facts.locale)
    if posting is None:
        return
    yield PrintedNumber("posts", "Posts", voice.number(posting.posts), posting.posts, "posts", (facts.period,))
    if posting.usual_posts is not None:
        text = voice.about(posting.usual_posts)
        yield PrintedNumber("posts/usual", "Posts, usually", text, posting.usual_posts, "usual posts")


def _corrections(facts: Facts) -> Iterator[PrintedNumber]:
    voice = voice_of(facts.locale)
    for place, each in enumerate(facts.corrections, 1):
        for name, value in (("said", each.said), ("known", each.known)):
            if value is not None:
                text = voice.number(value, each.decimals)
                label = f"Correction of {each.label}, what we said" if name == "said" else f"{each.label}, corrected"
                yield PrintedNumber(f"correction/{place}/{name}", label, text, value, "correction", (str(place), name))


def _chart(facts: Facts) -> Iterator[PrintedNumber]:
    voice = voice_of(facts.locale)
    for point in facts.chart.points if facts.chart else ():
        of = facts.chart.unit if facts.chart else "", str(point.day)
        name, label = f"chart/{point.day}", f"{facts.chart.title if facts.chart else ''}, {point.day}"
        if point.value is not None:
            yield PrintedNumber(name, label, voice.about(point.value), point.value, "series", of, of[0])
        if point.low is not None and point.high is not None:
            text = ends(voice, point.low, point.high)
            yield PrintedNumber(f"{name}/usual", f"{label}, usually", text, (point.low, point.high), "weekday", of)


def _year(facts: Facts) -> Iterator[PrintedNumber]:
    voice, year = voice_of(facts.locale), facts.year
    if year is None:
        return
    for place, quarter in enumerate(year.quarters, 1):
        label = f"{year.label}, a usual week of quarter {place}"
        yield PrintedNumber(f"year/quarter-{place}", label, voice.number(quarter, 1), quarter, "year")
    for week in year.weeks:
        if week.value is not None:
            of = "reactions_per_post", f"{(name := Week.of(week.monday))}:latest"
            text = voice.number(week.value, 1)
            yield PrintedNumber(f"year/{name}", f"{year.label}, {name}", text, week.value, "series", of, of[0])
    value = year.times, year.low, year.high
    yield PrintedNumber("year/times", f"{year.label} over a year", narrate_time.year_line(facts, year), value, "year")


def _notable_days(facts: Facts) -> Iterator[PrintedNumber]:
    voice = voice_of(facts.locale)
    for place, day in enumerate(facts.worth_knowing, 1):
        of = str(day.day), day.metric, day.platform or "", day.channel or ""
        label = f"{narrate_time.what_stood_out(facts, day)}, {day.day}"
        yield PrintedNumber(f"day/{place}", label, voice.number(day.value), day.value, "day", of, day.metric)
        text = ends(voice, day.low, day.high)
        yield PrintedNumber(f"day/{place}/usual", f"{label}, usually", text, (day.low, day.high), "weekday", of)


def _of_goal(facts: Facts, goal: GoalFact, place: int) -> Iterator[PrintedNumber]:
    voice, name = voice_of(facts.locale), f"goal/{place}"
    label, of = f"Goal: {narrate_time.goal_title(facts, goal)}", (str(place),)
    if goal.so_far is not None:
        text = voice.number(goal.so_far)
        yield PrintedNumber(f"{name}/so-far", f"{label}, so far", text, goal.so_far, "series", ("goal", *of))
    yield PrintedNumber(
        f"{name}/target", f"{label}, target", voice.number(goal.target), goal.target, "file", ("goal", *of)
    )
    if goal.low is not None and goal.high is not None:
        text = narrate_time.likely(voice, goal)
        yield PrintedNumber(f"{name}/likely", f"{label}, likely", text, (goal.low, goal.high), "goal", of)


def _of_post(facts: Facts, post: PostFact, place: int) -> Iterator[PrintedNumber]:
    voice, name, where = voice_of(facts.locale), f"post/{place}", narrate_posts.post_where(facts, post)
    for counted, value in (
        ("reactions", post.reactions),
        ("replies", post.replies),
        ("reposts", post.reposts),
        ("shares", post.shares),
    ):
        if value is not None:
            of, text = (str(place), counted), voice.number(value)
            yield PrintedNumber(f"{name}/{counted}", f"Post on {where}, {counted}", text, value, "post", of)
    if post.lift and narrate_posts.stands_out(post.lift):
        value_of_lift = post.lift.times, post.lift.low, post.lift.high
        low, high = narrate_posts.low_end(post.lift), narrate_posts.high_end(post.lift)
        text = f"{times(voice, post.lift.times)} ({voice.about(low)}–{voice.about(high)})"
        yield PrintedNumber(f"{name}/times", f"Post on {where}, times the usual", text, value_of_lift, "lift", of[:1])


def _conversation(facts: Facts) -> Iterator[PrintedNumber]:
    voice, told, name = voice_of(facts.locale), facts.conversation, "conversation"
    if told.received is not None:
        of, text = ("replies_received", facts.period), voice.number(told.received)
        yield PrintedNumber(f"{name}/received", "Replies people wrote", text, told.received, "series", of, of[0])
    if told.written is not None:
        text = voice.number(told.written)
        yield PrintedNumber(f"{name}/written", "Replies you wrote", text, told.written, "messages", ("written",))
    if told.answers:
        new, answered = told.answers.received, told.answers.answered
        yield PrintedNumber(f"{name}/new", "New conversations", voice.number(new), new, "messages", ("new",))
        text = voice.number(answered)
        yield PrintedNumber(f"{name}/answered", "Of these answered", text, answered, "messages", ("answered",))
        if told.answers.half_within is not None:
            text = voice.number(narrate.whole_hours(told.answers.half_within))
            value = told.answers.half_within
            yield PrintedNumber(f"{name}/half-within", "Half answered within, in hours", text, value, "answers")
    if facts.ask and facts.ask.what == "answers":
        parts = f"{name}/new", "-", f"{name}/answered"
        waiting = facts.ask.waiting
        yield PrintedNumber("waiting", "People who still wait", voice.number(waiting), waiting, "worked out", parts)


def _of_channel(facts: Facts, channel: ChannelFact) -> Iterator[PrintedNumber]:
    name, label = f"channel/{channel.channel}", f"Visits from {channel.channel}"
    text, of = narrate.count(facts, channel.visits), (name, facts.period)
    yield PrintedNumber(name, label, text, channel.visits, "series", of, "visits")
    if channel.usual:
        text, value = narrate.usual_visits(facts, channel.usual), (channel.usual.low, channel.usual.high)
        yield PrintedNumber(f"{name}/usual", f"{label}, usually", text, value, "usual", (name,))


def _untagged(facts: Facts) -> Iterator[PrintedNumber]:
    voice, told = voice_of(facts.locale), facts.untagged
    if told is None:
        return
    for name, label, value in (
        ("visits", "Visits that seem to come from social networks", told.visits),
        ("untagged", "Of these by links without tags", told.untagged),
    ):
        yield PrintedNumber(f"untagged/{name}", label, voice.number(value), value, "untagged", (name,), "visits")
    share = told.untagged / told.visits
    parts = "untagged/untagged", "/", "untagged/visits"
    yield PrintedNumber("untagged/share", "Share of them", voice.percent(share), share, "worked out", parts)


def _of_campaign(facts: Facts, campaign: CampaignFact) -> Iterator[PrintedNumber]:
    voice, name = voice_of(facts.locale), f"campaign/{campaign.key}"
    text = narrate.count(facts, campaign.visits)
    yield PrintedNumber(
        name, f"Visits of {campaign.name}", text, campaign.visits, "series", (name, facts.period), "campaign_visits"
    )
    text, of = voice.number(campaign.posts), (campaign.key, "social", "posts", "", "week")
    yield PrintedNumber(f"{name}/posts", f"Posts of {campaign.name}", text, campaign.posts, "campaign", of)
    for row in campaign.rows:
        row_name = "/".join(filter(None, (name, row.group, row.metric, slug(row.of))))
        what = METRICS[row.metric].label if row.metric in METRICS else row.metric.capitalize()
        label = f"{campaign.name}: {what} {row.of}".strip()
        for when, value in (("week", row.week), ("so-far", row.so_far)):
            if value is not None:
                text = narrate_campaigns.row_number(facts, row, value)
                of = campaign.key, row.group, row.metric, row.of, when
                metric = row.metric if row.metric in METRICS else ""
                yield PrintedNumber(f"{row_name}/{when}", f"{label}, {when}", text, value, "campaign", of, metric)
    for each in campaign.touchpoints:
        label = f"{campaign.name}: through {each.name or each.kind}"
        for when, count in (("week", each.visits), ("so-far", each.so_far)):
            if count is not None:
                of = campaign.key, "touchpoint", each.kind, each.name, when
                id_ = f"{name}/through/{slug(each.name or each.kind)}/{when}"
                yield PrintedNumber(id_, f"{label}, {when}", voice.number(count), count, "campaign", of, "visits")
    effect = campaign.effect
    is_told = effect is not None and effect.verdict in {"more", "fewer"}
    if effect and is_told and effect.average is not None and effect.low is not None and effect.high is not None:
        value_of_effect = effect.average, effect.low, effect.high
        text = narrate_campaigns.effect_brief(facts, campaign)
        label = f"{campaign.name}: visits a day it added"
        yield PrintedNumber(f"{name}/effect", label, text, value_of_effect, "effect", (campaign.key,))
    if campaign.cost:
        yield from _of_cost(facts, campaign, campaign.cost)
    if touch := campaign.first_touch:
        for which, result in (("last", touch.last), ("first", touch.first)):
            of = campaign.key, "touch", touch.metric, which, "so-far"
            label = f"{campaign.name}: by {which} touch"
            yield PrintedNumber(
                f"{name}/{which}-touch", label, voice.number(result), result, "campaign", of, touch.metric
            )


def _of_cost(facts: Facts, campaign: CampaignFact, cost: CostFact) -> Iterator[PrintedNumber]:
    voice, name = voice_of(facts.locale), f"campaign/{campaign.key}"
    label, of = f"{campaign.name}: cost", (campaign.key, "cost")
    text = voice.money(cost.cost, cost.currency)
    yield PrintedNumber(f"{name}/cost", label, text, cost.cost, "campaign", (*of, "", "", "so-far"))
    if cost.ads:
        text = voice.money(cost.ads, cost.currency)
        yield PrintedNumber(
            f"{name}/cost/ads", f"{label}, ads", text, cost.ads, "campaign", (*of, "spend", "", "so-far")
        )
        if cost.budget:
            text = voice.money(cost.budget, cost.currency)
            of_file = "budget", campaign.key
            yield PrintedNumber(f"{name}/cost/budget", f"{label}, budget of ads", text, cost.budget, "file", of_file)
    text, results = voice.number(cost.results), (campaign.key, "results", cost.metric, "", "so-far")
    yield PrintedNumber(
        f"{name}/cost/results", f"{label}, results", text, cost.results, "campaign", results, cost.metric
    )
    if cost.per_result is not None:
        text, parts = voice.money(cost.per_result, cost.currency), (f"{name}/cost", "/", f"{name}/cost/results")
        yield PrintedNumber(f"{name}/cost/each", f"{label} of a result", text, cost.per_result, "worked out", parts)
    if cost.low is not None and cost.high is not None:
        text = f"{voice.money(cost.low, cost.currency)}–{voice.money(cost.high, cost.currency)}"
        value = cost.low, cost.high
        yield PrintedNumber(
            f"{name}/cost/each/range", f"{label} of a result, range", text, value, "cost range", (name,)
        )


def _rates(facts: Facts) -> Iterator[PrintedNumber]:
    for rate in facts.rates:
        line, kind = narrate_rates.rate_line(facts, rate), "rate" if rate.platform else "answers"
        name = "/".join(filter(None, ("rate", rate.platform, rate.handle, rate.metric)))
        of, text = (rate.metric, rate.platform, rate.handle), f"{line.value} ({line.range})"
        value = (rate.value, rate.low) if rate.high is None else (rate.value, rate.low, rate.high)
        yield PrintedNumber(name, line.label, text, value, kind, of, rate.metric)
        if rate.usual_low is not None and rate.usual_high is not None:
            value = rate.usual_low, rate.usual_high
            yield PrintedNumber(f"{name}/usual", f"{line.label}, usually", line.usual, value, kind, of)


def _accounts(facts: Facts) -> Iterator[PrintedNumber]:
    voice = voice_of(facts.locale)
    for account in facts.accounts:
        of, whose = (account.platform, account.handle), f"{account.handle} on {account.platform}"
        name = f"posts/{account.platform}/{account.handle}"
        yield PrintedNumber(
            name, f"Posts of {whose}", voice.number(account.posts), account.posts, "posts", (facts.period, *of)
        )
        name, text = f"followers/{account.platform}/{account.handle}", narrate.count(facts, account.followers)
        yield PrintedNumber(name, f"Followers of {whose}", text, account.followers, "followers", of, "followers")


def _coverages(facts: Facts) -> Iterator[PrintedNumber]:
    """How sure the ranges are, and from how few weeks the least sure of them was learnt."""
    voice = voice_of(facts.locale)
    learnt = [(figure.usual, figure.id) for figure in facts.figures if figure.usual]
    shares: dict[str, tuple[str, float | None]] = {
        "usual": ("widerview.measures.usual.COVERAGE", learnt[0][0].coverage if learnt else None),
        "wide": ("widerview.measures.usual.WIDE_COVERAGE", learnt[0][0].wide_coverage if learnt else None),
        "lift": (
            "widerview.measures.usual.COVERAGE",
            next((post.lift.coverage for post in facts.posts if post.lift), None),
        ),
        "goal": (
            "widerview.measures.usual.COVERAGE",
            next((goal.coverage for goal in facts.goals if goal.low is not None), None),
        ),
        "rate": ("widerview.measures.usual.WIDE_COVERAGE", next((rate.coverage for rate in facts.rates), None)),
        "rate-usual": ("widerview.measures.usual.COVERAGE", next((rate.usual_coverage for rate in facts.rates), None)),
        "times": ("widerview.measures.usual.WIDE_COVERAGE", narrate_time.SURE),
    }
    for name, (where, share) in shares.items():
        if share is not None:
            label = f"How often a range holds: {name}"
            yield PrintedNumber(f"coverage/{name}", label, voice.percent(share), share, "chosen", (where,))
    if learnt:
        shortest, whose = min(learnt, key=lambda each: each[0].weeks)
        label = "Weeks that the least certain range was learnt from"
        yield PrintedNumber("usual/weeks", label, voice.number(shortest.weeks), shortest.weeks, "usual", (whose,))


def slug(text: str) -> str:
    """Write the name of an asset or a page as it stands in an id: without blanks."""
    return "-".join(text.casefold().split())
