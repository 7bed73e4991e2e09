"""Sample facts of fictional clients; no such bakery, café or agency exists.

Hollow Oak Bakery is a client of the agency Lantern Lane. `good_week` shows every section of the report, the others
show its quieter faces.
"""

import datetime as dt
from collections.abc import Sequence

import msgspec

from widerview.report.facts import (
    AccountFact,
    Answers,
    Ask,
    CampaignFact,
    CampaignRow,
    ChannelFact,
    Chart,
    Conversation,
    Correction,
    CostFact,
    DayNote,
    DayPoint,
    EffectFact,
    Facts,
    Figure,
    FirstTouch,
    GoalFact,
    Hours,
    KnownEvent,
    LevelChange,
    Lift,
    NotableDay,
    Plan,
    PostFact,
    Posting,
    RateFact,
    SourceFact,
    TouchpointFact,
    Untagged,
    Usual,
    Year,
    YearWeek,
)
from widerview.report.lessons import pick

MONDAY = dt.date(2026, 11, 9)
AS_OF = dt.datetime(2026, 11, 17, 7, 40, tzinfo=dt.UTC)


def usual(low: float, high: float, weeks: int = 12) -> Usual:
    reach = (high - low) * 0.3
    return Usual(low=low, high=high, coverage=0.8, weeks=weeks, wide_low=max(low - reach, 0.0), wide_high=high + reach)


def figures() -> tuple[Figure, ...]:
    return (
        Figure(
            id="visits",
            label="Website visits",
            meaning="Visits to your website, from anywhere.",
            value=127,
            usual=usual(78.4, 104.2),
            word="above",
            last_week=88,
            definition="visits@1",
        ),
        Figure(
            id="social_visits",
            label="Visits from social",
            meaning="Visits that came from a link on a social network.",
            value=31,
            usual=usual(14.2, 29.8),
            word="above",
            last_week=22,
            definition="social_visits@1",
        ),
        Figure(
            id="campaign_visits",
            label="Campaign visits",
            meaning="Visits through links, posters and codes that belong to a campaign.",
            value=46,
            word="no usual week yet",
            last_week=38,
            definition="campaign_visits@1",
        ),
        Figure(
            id="reactions_per_post",
            label="Reactions per post",
            meaning="Likes, reposts, quotes and replies together, divided by the week's posts.",
            value=13.4,
            decimals=1,
            usual=usual(8.13, 14.87),
            word="inside",
            last_week=9.8,
            so_far=True,
            definition="reactions_per_post@1",
            change=LevelChange(since=dt.date(2026, 9, 28), why="lasting", times=1.77, low=1.34, high=2.31),
        ),
        Figure(
            id="replies_received",
            label="Replies received",
            meaning="Replies to the week's posts; platforms count your own next posts in a thread among them.",
            value=12,
            usual=usual(4.4, 13.1),
            word="inside",
            last_week=7,
            so_far=True,
            definition="replies_received@1",
        ),
        Figure(
            id="passed_on",
            label="Times passed on",
            meaning="How often people passed the week's posts on to others: reposts, quotes and shares.",
            value=3,
            usual=usual(4.4, 11.0),
            word="below",
            last_week=6,
            so_far=True,
            definition="passed_on@2",
        ),
    )


THIS_WEEK = (13, 12, 14, 27, 24, 26, 11)
"""The visits of the days of the good week."""


def chart(week: Sequence[int] = THIS_WEEK) -> Chart:
    visits = [11, 9, 12, 14, 15, 21, 8, None, None, 11, 13, 17, 19, 9, 10, 8, 13, 12, 16, 22, 7, *week]
    ranges = [(8, 14), (8, 14), (9, 15), (10, 16), (12, 19), (16, 24), (6, 11)]
    notes = {
        7: DayNote(what="timeline", name="The website's analytics was down for two days."),
        24: DayNote(what="asset starts", name="Poster in the market hall"),
    }
    return Chart(
        title="Visits to your website",
        unit="visits",
        points=tuple(
            DayPoint(
                day=MONDAY + dt.timedelta(days=position - 21),
                value=value,
                low=ranges[position % 7][0],
                high=ranges[position % 7][1],
                noted=(notes[position],) if position in notes else (),
            )
            for position, value in enumerate(visits)
        ),
    )


def posts() -> tuple[PostFact, ...]:
    return (
        PostFact(
            platform="Bluesky",
            text="The first walnut loaves of the winter came out of the oven at five this morning. The whole street "
            "smells of them. Come early: last year they were gone by nine.",
            permalink="https://bsky.app/profile/hollowoak.example/post/3lwalnut",
            published_at=dt.datetime(2026, 11, 12, 6, 5, tzinfo=dt.UTC),
            reactions=34,
            replies=5,
            reposts=1,
            lift=Lift(times=3.062, low=2.214, high=4.083, coverage=0.8),
        ),
        PostFact(
            platform="Mastodon",
            text="Which of our loaves would you take to a desert island? Ines says rye, Jakob says it goes mouldy.",
            permalink="https://social.example/@hollowoak/113200001",
            published_at=dt.datetime(2026, 11, 10, 15, 30, tzinfo=dt.UTC),
            reactions=11,
            replies=3,
            reposts=1,
            lift=Lift(times=1.482, low=0.941, high=2.163, coverage=0.8),
        ),
        PostFact(
            platform="Bluesky",
            text="Saturday’s class has three places left.",
            permalink="https://bsky.app/profile/hollowoak.example/post/3lclass",
            published_at=dt.datetime(2026, 11, 13, 10, 0, tzinfo=dt.UTC),
            reactions=9,
            replies=1,
            reposts=0,
        ),
    )


def year() -> Year:
    """A year of reactions per post that has grown; two weeks are not known."""
    weeks = [8.4, 9.1, 7.6, 8.8, 10.2, 6.9, 8.1, 9.5, 7.9, 8.7, 9.9, 8.2, 7.7] * 4
    values = [round(value * (1 + place // 13 * 0.17), 1) for place, value in enumerate(weeks)]
    return Year(
        label="Reactions per post",
        weeks=tuple(
            YearWeek(monday=MONDAY + dt.timedelta(weeks=place - 51), value=None if place in {30, 31} else value)
            for place, value in enumerate([*values[:-1], 12.0])
        ),
        quarters=(8.5, 9.9, 11.4, 12.8),
        times=1.506,
        low=1.291,
        high=1.757,
    )


def notable_days() -> tuple[NotableDay, ...]:
    """A day that nothing known explains, and one that was expected."""
    return (
        NotableDay(
            day=MONDAY + dt.timedelta(days=1),
            metric="views",
            label="Views",
            platform="Bluesky",
            channel=None,
            value=18,
            low=42.3,
            high=96.1,
        ),
        NotableDay(
            day=MONDAY + dt.timedelta(days=3),
            metric="visits",
            label="Website visits",
            platform=None,
            channel=None,
            value=27,
            low=10.2,
            high=16.4,
            because=KnownEvent(
                what="asset starts", name="Poster in the market hall", day=MONDAY + dt.timedelta(days=3)
            ),
        ),
    )


def goals(visits: int = 127) -> tuple[GoalFact, ...]:
    """A goal within reach, and one with no usual week yet; with so many visits in the week."""
    before = 9 + 88  # on the first day of November, and in the week before
    return (
        GoalFact(
            label="Website visits",
            note="As many as last November",
            target=420,
            starts=dt.date(2026, 11, 1),
            ends=dt.date(2026, 11, 30),
            so_far=before + visits,
            low=391.4,
            high=446.8,
            word="within reach",
        ),
        GoalFact(
            label="Campaign visits",
            campaign="Walnut winter",
            target=160,
            starts=dt.date(2026, 11, 2),
            ends=dt.date(2026, 11, 29),
            so_far=71,
        ),
    )


def rates() -> tuple[RateFact, ...]:
    """Rates of an account, of the website and of answers."""
    return (
        RateFact(
            metric="save_share",
            label="Saves among engagements",
            meaning="Of what people did with a post, the share that was saving it for later.",
            definition="save_share@1",
            platform="Bluesky",
            handle="hollowoak.example",
            value=7.143,
            low=3.911,
            high=13.052,
            usual_low=2.224,
            usual_high=6.481,
            word="above",
        ),
        RateFact(
            metric="conversion_rate",
            label="Conversion rate",
            meaning="The share of visits that reached a goal.",
            definition="conversion_rate@1",
            platform="Matomo",
            value=3.937,
            low=1.703,
            high=9.104,
            usual_low=2.118,
            usual_high=6.332,
            word="inside",
        ),
        RateFact(
            metric="response_rate",
            label="Questions answered",
            meaning="The share of comments in need of an answer that got one.",
            definition="response_rate@1",
            value=100.0,
            low=70.085,
            high=100.0,
        ),
        RateFact(
            metric="response_time",
            label="Time to answer",
            meaning="How long, in office hours, half of those who needed an answer waited at most for it. Who still "
            "waits is counted in.",
            definition="response_time@1",
            value=1.717,
            low=0.517,
            high=6.25,
        ),
    )


def good_week() -> Facts:
    """A week above the usual range, with every section filled."""
    return with_lesson(
        Facts(
            client_id="hollow-oak",
            client_name="Hollow Oak Bakery",
            locale="en_GB",
            time_zone="Europe/Berlin",
            period="2026-W46",
            first_day=MONDAY,
            last_day=MONDAY + dt.timedelta(days=6),
            revision=1,
            as_of=AS_OF,
            colour="amber",
            grade="good",
            figures=figures(),
            chart=chart(),
            worth_knowing=notable_days(),
            goals=goals(),
            posts=posts(),
            posting=Posting(posts=9, usual_posts=7.5),
            channels=(
                ChannelFact(channel="search", visits=39, usual=usual(30.2, 44.0), word="inside"),
                ChannelFact(channel="social", visits=31, usual=usual(14.2, 29.8), word="above"),
                ChannelFact(channel="campaign", visits=29),
                ChannelFact(channel="direct", visits=22, usual=usual(17.5, 30.1), word="inside"),
                ChannelFact(channel="website", visits=6, usual=usual(3.0, 9.2), word="inside"),
            ),
            campaigns=(
                CampaignFact(
                    key="walnut-winter",
                    name="Walnut winter",
                    goal="Fill the Saturday baking class",
                    starts=dt.date(2026, 11, 2),
                    ends=dt.date(2026, 11, 29),
                    posts=4,
                    visits=40,
                    touchpoints=(
                        TouchpointFact(name="Poster in the market hall", kind="poster", visits=17, so_far=31),
                        TouchpointFact(name="November newsletter", kind="newsletter", visits=12),
                        TouchpointFact(name="Links in posts", kind="link", visits=11),
                        TouchpointFact(name="Code on the bread bag", kind="qr_code", visits=None),
                    ),
                    audience="People who bake, or would like to",
                    rows=(
                        CampaignRow(group="social", metric="posts", week=4, so_far=7),
                        CampaignRow(
                            group="social", metric="reach", of="Instagram", week=2310, so_far=2980, at_least=True
                        ),
                        CampaignRow(group="social", metric="reach", of="Bluesky", week=None, so_far=None),
                        CampaignRow(group="partners", metric="posts", of="Fern Example", week=1, so_far=2),
                        CampaignRow(group="partners", metric="visits", of="Fern Example", week=9, so_far=16),
                        CampaignRow(group="website", metric="visits", week=40, so_far=71),
                        CampaignRow(group="website", metric="engaged_visits", week=22, so_far=39),
                        CampaignRow(group="website", metric="conversions", week=5, so_far=8),
                        CampaignRow(
                            group="website",
                            metric="untagged_landing_visits",
                            of="/baking-class",
                            week=13,
                            so_far=29,
                            at_least=True,
                        ),
                        CampaignRow(group="offline", metric="scans", of="Market hall poster", week=21, so_far=37),
                        CampaignRow(group="offline", metric="redemptions", of="A roll on top", week=63, so_far=118),
                        CampaignRow(
                            group="offline",
                            metric="revenue",
                            of="A roll on top",
                            week=402.5,
                            so_far=760.25,
                            currency="EUR",
                        ),
                        CampaignRow(group="offline", metric="attendance", of="Baking class", week=14, so_far=14),
                        CampaignRow(group="offline", metric="email_clicks", of="Newsletter", week=81, so_far=81),
                        CampaignRow(group="claimed", metric="claimed_conversions", of="Facebook", week=6, so_far=11),
                    ),
                    effect=EffectFact(
                        verdict="more",
                        average=4.183,
                        low=1.627,
                        high=6.739,
                        days=12,
                        placebos=104,
                        controls=("website",),
                    ),
                    cost=CostFact(cost=420.0, currency="EUR", metric="conversions", results=8, per_result=52.5),
                    first_touch=FirstTouch(metric="conversions", first=13, last=8),
                ),
                CampaignFact(
                    key="rye-friends",
                    name="Friends of rye",
                    goal="More rye bread on weekdays",
                    starts=dt.date(2026, 10, 5),
                    ends=dt.date(2026, 11, 15),
                    posts=1,
                    visits=6,
                    touchpoints=(TouchpointFact(name="", kind="unmarked", visits=6, so_far=31),),
                    rows=(CampaignRow(group="website", metric="visits", week=6, so_far=31),),
                    effect=EffectFact(verdict="not known"),
                ),
            ),
            untagged=Untagged(visits=42, untagged=31),
            conversation=Conversation(
                received=12, written=9, answers=Answers(received=9, answered=9, half_within=1.717)
            ),
            rates=rates(),
            sources=(
                SourceFact(source="bluesky", title="Bluesky", colour="green", line="read in full"),
                SourceFact(
                    source="mastodon",
                    title="Mastodon",
                    colour="amber",
                    line="Sunday may still gain a few reactions",
                    late=(MONDAY + dt.timedelta(days=6),),
                ),
                SourceFact(
                    source="matomo", title="Website (Matomo)", colour="green", line="read in full", analytics="Matomo"
                ),
            ),
            accounts=(
                AccountFact(
                    platform="Bluesky",
                    handle="hollowoak.example",
                    url="https://bsky.app/profile/hollowoak.example",
                    posts=5,
                    followers=1284,
                ),
                AccountFact(
                    platform="Mastodon",
                    handle="@hollowoak@social.example",
                    url="https://social.example/@hollowoak",
                    posts=4,
                    followers=None,
                ),
            ),
            lesson=None,
            planned=(
                Plan(what="asset", name="Baking class", day=dt.date(2026, 11, 21)),
                Plan(what="goes on", name="Walnut winter", day=dt.date(2026, 11, 29)),
            ),
            ask=Ask(what="pictures", by=dt.date(2026, 11, 27), name="Advent", day=dt.date(2026, 11, 30)),
            corrections=(
                Correction(
                    first_day=MONDAY - dt.timedelta(weeks=1),
                    label="Website visits",
                    said=92,
                    known=88,
                    why="platform revision",
                    source="Matomo",
                ),
            ),
            glossary_url="https://lanternlane.example/glossary.html",
            sender_name="Mira Lind",
            sender_email="mira@lanternlane.example",
            reply_to="mira@lanternlane.example",
            agency="Lantern Lane",
            postal_address="Lantern Lane, 4 Weaver's Yard, 10115 Berlin, Germany",
            office_hours="Mon-Fri 08:00-17:00, not on holidays",
            hours=(Hours(first=0, last=4, opens="08:00", closes="17:00"),),
            closed_on_holidays=True,
        )
    )


def normal_week() -> Facts:
    """Every figure inside its range; no campaign."""
    visits, [goal, _] = (12, 11, 13, 14, 15, 19, 7), goals(91)
    inside = tuple(
        msgspec.structs.replace(f, value=round((f.usual.low + f.usual.high) / 2), word="inside", so_far=False)
        for f in figures()
        if f.usual
    )
    green = tuple(msgspec.structs.replace(s, colour="green", line="read in full", late=()) for s in good_week().sources)
    return with_lesson(
        msgspec.structs.replace(
            good_week(),
            grade="normal",
            colour="green",
            figures=inside,
            chart=chart(visits),
            worth_knowing=notable_days()[:1],
            goals=(goal,),
            channels=(
                ChannelFact(channel="search", visits=39, usual=usual(30.2, 44.0), word="inside"),
                ChannelFact(channel="direct", visits=24, usual=usual(17.5, 30.1), word="inside"),
                ChannelFact(channel="social", visits=22, usual=usual(14.2, 29.8), word="inside"),
                ChannelFact(channel="website", visits=6, usual=usual(3.0, 9.2), word="inside"),
            ),
            untagged=Untagged(visits=26, untagged=22),
            conversation=Conversation(
                received=9, written=9, answers=Answers(received=9, answered=9, half_within=1.717)
            ),
            rates=tuple(rate for rate in rates() if rate.metric != "conversion_rate"),
            campaigns=(),
            sources=green,
            planned=(),
            ask=None,
            corrections=(),
        )
    )


def quiet_week() -> Facts:
    """More below its range than above; one goal was reached before, and people wait for an answer."""
    low = tuple(
        msgspec.structs.replace(f, value=round(f.usual.low * 0.6), word="below", change=None) if f.usual else f
        for f in normal_week().figures
    )
    [goal, _] = goals(47)
    return with_lesson(
        msgspec.structs.replace(
            normal_week(),
            grade="quiet",
            figures=low,
            chart=chart((6, 6, 7, 8, 8, 9, 3)),
            posts=(),
            worth_knowing=(),
            goals=(msgspec.structs.replace(goal, target=140, low=None, high=None, word="reached"),),
            posting=Posting(posts=2, usual_posts=7.5),
            rates=(),
            accounts=with_posts(1),
            channels=(
                ChannelFact(channel="search", visits=21, usual=usual(30.2, 44.0), word="below"),
                ChannelFact(channel="direct", visits=14, usual=usual(17.5, 30.1), word="below"),
                ChannelFact(channel="social", visits=9, usual=usual(14.2, 29.8), word="below"),
                ChannelFact(channel="website", visits=3, usual=usual(3.0, 9.2), word="inside"),
            ),
            untagged=Untagged(visits=11, untagged=9),
            conversation=Conversation(received=3, written=1, answers=Answers(received=3, answered=1, half_within=None)),
            ask=Ask(what="answers", by=dt.date(2026, 11, 20), waiting=2),
        )
    )


def first_week() -> Facts:
    """The first week of a client: nothing is known of what is usual."""
    new = tuple(
        msgspec.structs.replace(f, usual=None, word="no usual week yet", last_week=None, change=None)
        for f in figures()
        if f.id != "campaign_visits"
    )
    week = chart()
    points = tuple(
        msgspec.structs.replace(point, low=None, high=None, value=point.value if place > 20 else None, noted=())
        for place, point in enumerate(week.points)
    )
    return with_lesson(
        msgspec.structs.replace(
            normal_week(),
            figures=new,
            chart=msgspec.structs.replace(week, points=points),
            worth_knowing=(),
            goals=(),
            posts=tuple(msgspec.structs.replace(post, lift=None) for post in posts()),
            posting=Posting(posts=9, usual_posts=None),
            conversation=good_week().conversation,
            untagged=good_week().untagged,
            channels=tuple(
                msgspec.structs.replace(each, usual=None, word="no usual week yet") for each in good_week().channels
            ),
            ask=Ask(what="head count", by=dt.date(2026, 11, 20), name="Opening party", day=dt.date(2026, 11, 14)),
        )
    )


def with_posts(each: int) -> tuple[AccountFact, ...]:
    """The accounts, with so many posts in the week."""
    return tuple(msgspec.structs.replace(account, posts=each) for account in good_week().accounts)


def silent_week() -> Facts:
    """Nothing was posted; the website has its usual visits."""
    return with_lesson(
        msgspec.structs.replace(
            normal_week(),
            grade="quiet",
            figures=tuple(figure for figure in normal_week().figures if figure.id.endswith("visits")),
            worth_knowing=(),
            goals=(),
            posts=(),
            posting=Posting(posts=0, usual_posts=7.5),
            nothing_posted=True,
            conversation=Conversation(received=0, written=0),
            rates=(),
            accounts=with_posts(0),
        )
    )


def empty_week() -> Facts:
    """Nothing was posted, and there is no website."""
    return with_lesson(
        msgspec.structs.replace(
            silent_week(),
            figures=(),
            chart=None,
            channels=(),
            untagged=None,
            sources=normal_week().sources[:2],
        )
    )


def broken_week() -> Facts:
    """The website's analytics could not be read; nothing of it is reported."""
    blank = tuple(
        msgspec.structs.replace(f, value=None, usual=None, word="not reported", last_week=None, so_far=False)
        if f.id.endswith("visits")
        else f
        for f in figures()
    )
    red = SourceFact(
        source="matomo",
        title="Website (Matomo)",
        analytics="Matomo",
        colour="red",
        line="the login to your analytics has expired",
        absent=tuple(MONDAY + dt.timedelta(days=day) for day in range(7)),
    )
    return with_lesson(
        msgspec.structs.replace(
            good_week(),
            grade="needs you",
            colour="red",
            figures=blank,
            chart=None,
            channels=(),
            untagged=None,
            rates=rates()[:1],
            worth_knowing=notable_days()[:1],
            goals=(),
            campaigns=(),
            sources=(good_week().sources[0], red),
        )
    )


def year_week() -> Facts:
    """A fourth week: a year stands where 28 days do in the others."""
    return with_lesson(msgspec.structs.replace(normal_week(), chart=None, year=year(), worth_knowing=(), goals=()))


def with_lesson(facts: Facts) -> Facts:
    return msgspec.structs.replace(facts, lesson=pick(facts))


SAMPLES = {
    "good": good_week,
    "normal": normal_week,
    "quiet": quiet_week,
    "silent": silent_week,
    "empty": empty_week,
    "first": first_week,
    "broken": broken_week,
    "year": year_week,
}

NOTE = """Dear Ines,

the posters were worth the walk: seventeen people came through the one in the market hall.
Shall we put one up at the school, too?

Mira"""
