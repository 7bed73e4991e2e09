"""Hypothesis strategies for facts: anything the types allow, strangers' texts included."""

import datetime as dt
import re

from hypothesis import strategies as st

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
    Usual,
    Year,
    YearWeek,
)

# The words a bug would print; a stranger may write them too, which would hide the bug.
_BUGS = re.compile(r"none|nan|undefined|inf", re.IGNORECASE)

# A stranger's digits are no numbers of ours.
_letters = st.characters(codec="utf-8", exclude_categories=["Nd", "Nl", "No"])
words = st.text(_letters, min_size=1, max_size=40).filter(lambda text: not _BUGS.search(text))
plain = st.text("abcdefgh ij", min_size=1, max_size=60)
counts = st.integers(0, 10**7)
numbers = st.floats(0, 1e7, allow_nan=False, allow_infinity=False)
words_of_a_range = st.sampled_from(["above", "inside", "below", "no usual week yet", "not reported"])
days = st.dates(dt.date(2020, 1, 1), dt.date(2040, 12, 31))
moments = st.builds(dt.datetime.combine, days, st.times(), st.just(dt.UTC))


@st.composite
def usuals(draw):
    wide_low, low, high, wide_high = sorted(draw(st.lists(numbers, min_size=4, max_size=4)))
    wide = {"wide_low": wide_low, "wide_high": wide_high} if draw(st.booleans()) else {}
    return Usual(low=low, high=high, coverage=0.8, weeks=draw(st.integers(1, 60)), **wide)


@st.composite
def changes(draw):
    low, times, high = sorted(draw(st.lists(st.floats(0, 1000), min_size=3, max_size=3)))
    why = draw(st.sampled_from(["lasting", "measured differently"]))
    after = draw(st.none() | days)
    return LevelChange(
        since=draw(days), why=why, times=times, low=low, high=high, after=draw(plain) if after else "", after_day=after
    )


figures = st.builds(
    Figure,
    id=st.sampled_from(["visits", "campaign_visits", "reactions_per_post", "replies_received", "other"]),
    label=words,
    meaning=words,
    value=st.none() | numbers,
    decimals=st.integers(0, 2),
    usual=st.none() | usuals(),
    word=words_of_a_range,
    last_week=st.none() | numbers,
    so_far=st.booleans(),
    definition=st.just("visits@1"),
    change=st.none() | changes(),
)


@st.composite
def notable_days(draw):
    low, high = sorted([draw(numbers), draw(numbers)])
    what = st.sampled_from(
        ["holiday", "campaign starts", "campaign ends", "asset starts", "asset ends", "paid", "timeline"]
    )
    return NotableDay(
        day=draw(days),
        metric="visits",
        label=draw(words),
        platform=draw(st.none() | words),
        channel=draw(st.none() | words),
        value=draw(numbers),
        low=low,
        high=high,
        because=draw(st.none() | st.builds(KnownEvent, what=what, name=words, day=days)),
    )


@st.composite
def goals(draw):
    low, high = draw(st.sampled_from([(None, None), tuple(sorted([draw(numbers), draw(numbers)]))]))
    return GoalFact(
        label=draw(words),
        campaign=draw(st.none() | words),
        note=draw(st.none() | words),
        target=draw(st.integers(1, 10**7)),
        starts=draw(days),
        ends=draw(days),
        so_far=draw(st.none() | numbers),
        low=low,
        high=high,
        word=draw(st.sampled_from([None, "reached", "ahead", "within reach", "behind"])),
    )


@st.composite
def years(draw, sunday):
    low, times, high = sorted(draw(st.lists(st.floats(0, 1000), min_size=3, max_size=3)))
    values = draw(st.lists(st.none() | numbers, min_size=52, max_size=52))
    return Year(
        label=draw(words),
        weeks=tuple(
            YearWeek(monday=sunday - dt.timedelta(days=6, weeks=51 - place), value=value)
            for place, value in enumerate(values)
        ),
        quarters=tuple(draw(st.lists(numbers, min_size=4, max_size=4))),
        times=times,
        low=low,
        high=high,
    )


notes = st.builds(
    DayNote, what=st.sampled_from(["campaign starts", "asset starts", "measured differently", "timeline"]), name=words
)


@st.composite
def charts(draw, last_day):
    points = draw(
        st.lists(
            st.tuples(st.none() | numbers, st.none() | usuals(), st.lists(notes, max_size=2).map(tuple)),
            min_size=1,
            max_size=35,
        )
    )
    return Chart(
        title=draw(words),
        unit="visits",
        points=tuple(
            DayPoint(
                day=last_day - dt.timedelta(days=len(points) - 1 - position),
                value=value,
                low=band and band.low,
                high=band and band.high,
                noted=noted,
            )
            for position, (value, band, noted) in enumerate(points)
        ),
    )


@st.composite
def lifts(draw):
    low, times, high = sorted(draw(st.lists(st.floats(0, 1000), min_size=3, max_size=3)))
    return Lift(times=times, low=low, high=high, coverage=0.8)


posts = st.builds(
    PostFact,
    platform=words,
    text=words,
    permalink=st.sampled_from(["https://social.example/1", "javascript:alert(1)", "", "//x", "http://[", "https://"]),
    published_at=moments,
    reactions=counts,
    replies=st.none() | counts,
    reposts=st.none() | counts,
    shares=st.none() | counts,
    lift=st.none() | lifts(),
)
postings = st.builds(Posting, posts=counts, usual_posts=st.none() | numbers, fewer_earned_more=st.booleans())
answers = st.builds(Answers, received=counts, answered=counts, half_within=st.none() | numbers)
conversations = st.builds(
    Conversation, received=st.none() | counts, written=st.none() | counts, answers=st.none() | answers
)
channels = st.builds(
    ChannelFact, channel=words, visits=st.none() | counts, usual=st.none() | usuals(), word=words_of_a_range
)
touchpoints = st.builds(TouchpointFact, name=words, kind=words, visits=st.none() | counts, so_far=st.none() | counts)
rows = st.builds(
    CampaignRow,
    group=st.sampled_from(["social", "partners", "website", "offline", "claimed"]),
    metric=st.sampled_from(["posts", "reach", "visits", "engaged_visits", "scans", "redemptions", "attendance"]),
    of=words,
    week=st.none() | counts,
    so_far=st.none() | counts,
    at_least=st.booleans(),
    currency=st.none() | st.just("EUR"),
)


@st.composite
def effects(draw):
    verdict = draw(st.sampled_from(["more", "fewer", "not told", "not known"]))
    if verdict == "not known":
        return EffectFact(verdict=verdict)
    low, average, high = sorted(draw(st.tuples(numbers, numbers, numbers)))
    if verdict == "fewer":
        low, average, high = -high, -average, -low
    return EffectFact(verdict=verdict, average=average, low=low, high=high, days=draw(counts), placebos=draw(counts))


campaigns = st.builds(
    CampaignFact,
    key=plain,
    name=words,
    goal=words,
    starts=days,
    ends=days,
    posts=counts,
    visits=st.none() | counts,
    touchpoints=st.lists(touchpoints, max_size=3).map(tuple),
    audience=st.none() | words,
    rows=st.lists(rows, max_size=4).map(tuple),
    cost=st.none()
    | st.builds(
        CostFact,
        cost=counts,
        currency=st.just("EUR"),
        metric=st.just("conversions"),
        results=counts,
        per_result=st.none() | counts,
    ),
    first_touch=st.none() | st.builds(FirstTouch, metric=st.just("conversions"), first=counts, last=counts),
    effect=st.none() | effects(),
)


@st.composite
def rates(draw):
    low, value, high = sorted(draw(st.lists(numbers, min_size=3, max_size=3)))
    band = draw(st.none() | usuals())
    return RateFact(
        metric=draw(st.sampled_from(["engagement_rate_by_views", "save_share", "response_rate", "response_time"])),
        label=draw(words),
        meaning=draw(words),
        definition="save_share@1",
        platform=draw(words),
        handle=draw(words),
        value=value,
        low=low,
        high=draw(st.none() | st.just(high)),
        usual_low=band and band.low,
        usual_high=band and band.high,
        word=draw(words_of_a_range),
    )


sources = st.builds(
    SourceFact,
    source=plain,
    title=words,
    analytics=st.just("") | words,
    colour=st.sampled_from(["green", "amber", "red"]),
    line=words,
    late=st.lists(days, max_size=2).map(tuple),
    absent=st.lists(days, max_size=2).map(tuple),
    left_out=st.booleans(),
    early=st.lists(days, max_size=2).map(tuple),
    held=st.lists(days, max_size=2).map(tuple),
    unlike=st.lists(days, max_size=2).map(tuple),
    not_given=st.lists(st.sampled_from(["Likes", "Reach"]), max_size=2).map(tuple),
)
plans = st.builds(Plan, what=st.sampled_from(["starts", "ends", "goes on", "asset"]), name=words, day=days)
asks = st.builds(
    Ask,
    what=st.sampled_from(["head count", "answers", "pictures"]),
    by=days,
    name=words,
    day=days,
    waiting=st.integers(1, 1000),
)
corrections = st.builds(
    Correction,
    first_day=days,
    label=words,
    said=st.none() | numbers,
    known=st.none() | numbers,
    why=st.sampled_from(["late data", "platform revision", "our fix"]),
    source=st.just("") | words,
)
hours = st.builds(
    Hours, first=st.integers(0, 2), last=st.integers(3, 6), opens=st.just("08:00"), closes=st.just("17:00")
)
accounts = st.builds(
    AccountFact,
    platform=words,
    handle=words,
    url=st.sampled_from(["https://social.example/@a", "data:text/html,x"]),
    posts=counts,
    followers=st.none() | counts,
)


@st.composite
def facts(draw):
    monday = draw(days.map(lambda day: day - dt.timedelta(days=day.weekday())))
    sunday = monday + dt.timedelta(days=6)
    return Facts(
        client_id=draw(plain),
        client_name=draw(words),
        locale=draw(st.sampled_from(["en_GB", "en_US"])),
        time_zone=draw(st.sampled_from(["Europe/Berlin", "Asia/Shanghai", "America/St_Johns"])),
        period=f"{monday:%G-W%V}",
        first_day=monday,
        last_day=sunday,
        revision=draw(st.integers(1, 3)),
        as_of=draw(moments),
        colour=draw(st.sampled_from(["green", "amber", "red"])),
        grade=draw(st.sampled_from(["good", "normal", "quiet", "needs you"])),
        figures=tuple(draw(st.lists(figures, max_size=6))),
        chart=draw(st.none() | charts(sunday)),
        year=draw(st.none() | years(sunday)),
        worth_knowing=tuple(draw(st.lists(notable_days(), max_size=3))),
        goals=tuple(draw(st.lists(goals(), max_size=2))),
        posts=tuple(draw(st.lists(posts, max_size=3))),
        posting=draw(st.none() | postings),
        nothing_posted=draw(st.booleans()),
        channels=tuple(draw(st.lists(channels, max_size=4))),
        campaigns=tuple(draw(st.lists(campaigns, max_size=2))),
        conversation=draw(conversations),
        rates=tuple(draw(st.lists(rates(), max_size=3))),
        sources=tuple(draw(st.lists(sources, max_size=3))),
        accounts=tuple(draw(st.lists(accounts, max_size=3))),
        lesson=None,
        planned=tuple(draw(st.lists(words | plans, max_size=3))),
        ask=draw(st.none() | asks),
        corrections=tuple(draw(st.lists(corrections, max_size=2))),
        sender_name=draw(words),
        sender_email="mira@lanternlane.example",
        reply_to=draw(st.sampled_from(["mira@lanternlane.example", 'a"><b>@x.example'])),
        agency=draw(words),
        postal_address=draw(words),
        office_hours=draw(words),
        hours=tuple(draw(st.lists(hours, max_size=2))),
        closed_on_holidays=draw(st.booleans()),
    )
