"""The facts of one report: everything a sentence, a chart or a table may say, and nothing else may be said.

Facts are plain data. They are stored as JSON beside the sent mail, so that a report can be rendered again,
byte for byte, and every number in it can be traced. Labels, meanings and titles of ours are the English words of the
vocabulary, which are also the keys of their translations; names and quoted words stay as they were written.
"""

import datetime as dt
from typing import Literal, NamedTuple

import msgspec

Word = Literal["above", "inside", "below", "no usual week yet", "not reported"]
Grade = Literal["good", "normal", "quiet", "needs you"]
Colour = Literal["green", "amber", "red"]
Group = Literal["social", "partners", "website", "offline", "claimed"]
"""Where a number of a campaign was counted; `claimed` are results that platforms say are theirs."""
Happening = Literal["holiday", "campaign starts", "campaign ends", "asset starts", "asset ends", "paid", "timeline"]


class Ends(NamedTuple):
    """A lower and an upper end."""

    low: float
    high: float


class Usual(msgspec.Struct, frozen=True, kw_only=True):
    """The range a usual week of this client falls in, from its own past.

    Attributes:
        low: Lower end of the range.
        high: Upper end of the range.
        coverage: Share of usual weeks inside it, e.g. 0.8.
        weeks: Number of own past weeks it was learnt from.
        wide_low: Lower end of the range that holds `wide_coverage` of usual weeks; None in facts from before there was
            one. What lies outside it is far above or below.
        wide_high: Upper end.
        wide_coverage: E.g. 0.95.
    """

    low: float
    high: float
    coverage: float
    weeks: int
    wide_low: float | None = None
    wide_high: float | None = None
    wide_coverage: float = 0.95

    @property
    def wide(self) -> Ends | None:
        """The wide range; None in facts from before there was one."""
        return None if self.wide_low is None or self.wide_high is None else Ends(self.wide_low, self.wide_high)


class LevelChange(msgspec.Struct, frozen=True, kw_only=True):
    """Since when a number is another one than before, and does not compare with earlier weeks.

    Attributes:
        since: First day after it: a Monday, or the day on which a platform began to count otherwise.
        why: `measured differently`: a platform counts otherwise since. `lasting`: the level is another one.
        times: How many times the level before the level since then is; None where it is measured differently.
        low: Lower end of the range that holds the true one with 95 %.
        high: Upper end.
        after: The timeline's words on a change of a platform's algorithm that the lasting one came after; empty if
            there was none. Nobody can tell whether it is the cause.
        after_day: The day of it.
    """

    since: dt.date
    why: Literal["measured differently", "lasting"]
    times: float | None = None
    low: float | None = None
    high: float | None = None
    after: str = ""
    after_day: dt.date | None = None


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One number of the report, with its doubt and its receipt.

    Attributes:
        id: Stable name within the report, e.g. `engagements_per_post`; the receipt's key.
        label: Name for the client, e.g. `Reactions per post`.
        meaning: One plain sentence: what is counted.
        value: The week's value; None prints as "not reported".
        decimals: Digits after the decimal point when printed.
        usual: The usual range; None when there is no usual week yet.
        word: Where the value lies against the usual range.
        last_week: The week before, for the reader who asks; None if unknown.
        so_far: True when platforms may still revise the value upward.
        definition: Metric and definition version, e.g. `engagements_per_post@1`.
        change: Since when it does not compare with earlier weeks; None if there is no such day.
    """

    id: str
    label: str
    meaning: str
    value: float | None
    decimals: int = 0
    usual: Usual | None = None
    word: Word
    last_week: float | None = None
    so_far: bool = False
    definition: str
    change: LevelChange | None = None


class DayNote(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened on a day of the chart.

    Attributes:
        what: A campaign or a dated touchpoint of one starts, a platform counts otherwise since, or the agency's own
            words from the client's timeline.
        name: Of the campaign or touchpoint, or the words; empty where a platform counts otherwise.
    """

    what: Literal["campaign starts", "asset starts", "measured differently", "timeline"]
    name: str = ""


class DayPoint(msgspec.Struct, frozen=True, kw_only=True):
    """A day on the chart: its value (None: not reported), the usual range of such a weekday, and what happened.

    `note` says what happened in ready words, in facts from before they were typed.
    """

    day: dt.date
    value: float | None
    low: float | None = None
    high: float | None = None
    note: str | None = None
    noted: tuple[DayNote, ...] = ()


class Chart(msgspec.Struct, frozen=True, kw_only=True):
    """28 days of one metric; the last seven are the report's week.

    `title` is English, and the key of its translations.
    """

    title: str
    unit: str
    points: tuple[DayPoint, ...]


class KnownEvent(msgspec.Struct, frozen=True, kw_only=True):
    """Something known that explains an unusual day.

    Attributes:
        what: A public holiday or day off; a campaign that starts or is running, or has ended; a dated touchpoint of one
            that is out, or has gone; paid promotion on a platform; an entry of the client's timeline.
        name: Of the holiday, campaign, touchpoint or platform; of an entry of the timeline, its words.
        day: When it happened or began; at most a week before the unusual day, but for a campaign that is running.
    """

    what: Happening
    name: str
    day: dt.date


class NotableDay(msgspec.Struct, frozen=True, kw_only=True):
    """A day of the week that stands out among all days and series of the client's week.

    Attributes:
        day: The day.
        metric: Canonical metric.
        label: Its name for the client, e.g. `Website visits`.
        platform: The platform's name for people; None where the website counts it.
        channel: The channel of the visits; None if it is not about one channel.
        value: What it was.
        low: Lower end of the range of such a weekday.
        high: Upper end; the value lies outside.
        because: What explains it; None if nothing known does.
    """

    day: dt.date
    metric: str
    label: str
    platform: str | None
    channel: str | None
    value: float
    low: float
    high: float
    because: KnownEvent | None = None


class GoalFact(msgspec.Struct, frozen=True, kw_only=True):
    """How far a goal is, and where it is likely to end if weeks go on as they lately did.

    Attributes:
        label: What is counted, for the client.
        campaign: Name of the campaign whose visits alone count; None: all count.
        note: The client file's own words on it.
        target: The number to come to.
        starts: First day that counts.
        ends: Last day.
        so_far: What has come together by the end of the report's week; None: not all of its days are known.
        low: Lower end of the range that holds the end with `coverage`; None: there is no usual week yet, or nothing is
            left to come.
        high: Upper end.
        coverage: How often such a range holds the end, e.g. 0.8.
        word: Where the goal lies against the range: `widerview.measures.goals.Pace`; None without a range.
    """

    label: str
    campaign: str | None = None
    note: str | None = None
    target: int
    starts: dt.date
    ends: dt.date
    so_far: float | None
    low: float | None = None
    high: float | None = None
    coverage: float = 0.8
    word: Literal["reached", "ahead", "within reach", "behind"] | None = None


class YearWeek(msgspec.Struct, frozen=True, kw_only=True):
    """A week on the chart of a year, by its Monday; None: not known."""

    monday: dt.date
    value: float | None


class Year(msgspec.Struct, frozen=True, kw_only=True):
    """A year of one metric: its weeks, what a usual week of each quarter had, and how it has grown.

    Attributes:
        label: The metric's name for the client.
        weeks: 52, oldest first.
        quarters: A usual week of each of the four quarters of 13 weeks.
        times: How many times that of the first quarter the last one's is.
        low: Lower end of the range that holds the true one with 95 %.
        high: Upper end.
    """

    label: str
    weeks: tuple[YearWeek, ...]
    quarters: tuple[float, ...]
    times: float
    low: float
    high: float


class Lift(msgspec.Struct, frozen=True, kw_only=True):
    """How many times the reactions of a typical post of its account and kind a post drew.

    Attributes:
        times: Shrunk toward 1 as far as chance may have helped the post: see `widerview.measures.posts.best_posts`.
        low: Lower end of the range that holds the true one.
        high: Upper end.
        coverage: How often such a range holds it, e.g. 0.8.
    """

    times: float
    low: float
    high: float
    coverage: float


class PostFact(msgspec.Struct, frozen=True, kw_only=True):
    """A post people cared about.

    Attributes:
        platform: Name for people, e.g. `Bluesky`.
        text: The post's words, as written; hostile input, never markup.
        permalink: Where to see it; http or https.
        published_at: UTC.
        reactions: Likes, reposts, quotes and replies together, as of the report.
        replies: Replies among them; None: not reported.
        reposts: Reposts and quotes among them; None: not reported.
        shares: Uses of the share button, which are no reactions; None: not reported.
        lift: How it stands against the account's own posts of its kind of the 12 weeks before; None if these are
            fewer than 8.
    """

    platform: str
    text: str
    permalink: str
    published_at: dt.datetime
    reactions: int
    replies: int | None
    reposts: int | None
    shares: int | None = None
    lift: Lift | None = None


class Posting(msgspec.Struct, frozen=True, kw_only=True):
    """How much was posted in the week; what it earned is told by the figures.

    Attributes:
        posts: Posts of the week.
        usual_posts: Posts of a usual week: the median of the known weeks before; None where it is not known yet what
            a post usually earns.
        fewer_earned_more: Fewer posts than usual earned more together, and more than typical posts of their own
            accounts and kinds would have.
    """

    posts: int
    usual_posts: float | None
    fewer_earned_more: bool = False


class ChannelFact(msgspec.Struct, frozen=True, kw_only=True):
    """Visits of one channel to the website in the week (channels do not overlap, so they add up)."""

    channel: str
    visits: int | None
    usual: Usual | None = None
    word: Word = "no usual week yet"


class TouchpointFact(msgspec.Struct, frozen=True, kw_only=True):
    """Visits that came through one touchpoint of a campaign (poster, newsletter, social link), in the week.

    `so_far` are those since the campaign began; None: not known. Of the kind `unmarked` are visits by links that do not
    say which; they have no name. Of the kind `ads` are visits by links that were paid for on the platform of that name.
    """

    name: str
    kind: str
    visits: int | None
    so_far: int | None = None


class CampaignRow(msgspec.Struct, frozen=True, kw_only=True):
    """One number of a campaign's table.

    Attributes:
        group: Where it was counted: social, partners, website, offline, or claimed by a platform.
        metric: Canonical metric; `posts` are the campaign's own.
        of: The platform, partner or asset it is a number of; empty: of the whole campaign.
        place: Where the asset is seen, in the first row of it; empty: not told, or told before.
        week: In the week; None: not reported.
        so_far: Since the campaign began; None: not reported.
        at_least: There may be more: of reach, since people reached by two posts are counted once.
        currency: ISO 4217 code of an amount of money.
    """

    group: Group
    metric: str
    of: str = ""
    place: str = ""
    week: float | None
    so_far: float | None
    at_least: bool = False
    currency: str | None = None


class CostFact(msgspec.Struct, frozen=True, kw_only=True):
    """What a campaign has cost by the end of the week, and what one result of it cost; None: no result yet.

    `metric` says what a result is; `ads` is what of the cost went to ads, `budget` what the file lets them cost in all
    (0: it names none).
    """

    cost: float
    ads: float = 0.0
    budget: float = 0.0
    currency: str
    metric: str
    results: float
    per_result: float | None


class FirstTouch(msgspec.Struct, frozen=True, kw_only=True):
    """Results of a campaign so far, by whom it brought to the website first and by whom it brought there last."""

    metric: str
    first: float
    last: float


class Untagged(msgspec.Struct, frozen=True, kw_only=True):
    """Visits of the week that seem to come from social networks, and how many of them came by links without tags."""

    visits: int
    untagged: int


class EffectFact(msgspec.Struct, frozen=True, kw_only=True):
    """What the website had more of, on a day of a campaign up to the report's Sunday, than its past makes likely.

    Attributes:
        verdict: `more` and `fewer` stand out from normal weeks; `not told` does not. `not known`: see `why`.
        why: Why it is not known: too little is known of the days before the campaign, or of its own, or without those
            of other campaigns. None where it is known, and in facts from before it was told.
        average: Visits a day above what was likely; None where it is not known.
        low: Lower end of its range.
        high: Upper end.
        coverage: How often such a range holds the true one, e.g. 0.95.
        days: Days of the campaign that this is told of.
        placebos: Earlier windows of the same length that it was held against.
        controls: The channels that the campaign does not touch, as the analytics calls them.
    """

    verdict: Literal["more", "fewer", "not told", "not known"]
    why: Literal["not enough past", "too few days known", "other campaigns"] | None = None
    average: float | None = None
    low: float | None = None
    high: float | None = None
    coverage: float = 0.95
    days: int = 0
    placebos: int = 0
    controls: tuple[str, ...] = ()


class CampaignFact(msgspec.Struct, frozen=True, kw_only=True):
    """One campaign in the week: its posts, its visits, and where these came from.

    Attributes:
        key: Its utm_campaign.
        name: Its name for people.
        goal: What it is for.
        audience: Whom it is for, in words; None if the file does not say.
        starts: First day.
        ends: Last day.
        posts: Posts of the client's own accounts for it in the week.
        visits: Visits by its links in the week; None: not reported.
        touchpoints: What brought these visits.
        rows: Its table: social, partners, website, what was counted elsewhere, what platforms claim.
        cost: What a result cost; None where the file names no cost, or nobody counts results.
        first_touch: First and last touch side by side; None unless they are far apart.
        effect: What it added to the website so far; None where no website is counted.
    """

    key: str
    name: str
    goal: str
    starts: dt.date
    ends: dt.date
    posts: int
    visits: int | None
    touchpoints: tuple[TouchpointFact, ...] = ()
    audience: str | None = None
    rows: tuple[CampaignRow, ...] = ()
    cost: CostFact | None = None
    first_touch: FirstTouch | None = None
    effect: EffectFact | None = None


class SourceFact(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict on one source's data for the week.

    Attributes:
        source: Name of the source.
        title: Its name for people.
        colour: The worst verdict of its days.
        analytics: Name of the analytics, where the source counts the visits; then the website is meant.
        line: Why, in the gate's own English words: for the agency, who mends it.
        late: The days of which something is late or missing.
        absent: The days whose numbers are wrong or absent.
        left_out: Whether the report's figures are without it, in all weeks.
        early: The days of which more may still come, within the delay that the source states; not late.
        held: The days of which numbers are left out because they cannot be right.
        unlike: The days whose numbers are told, and are unlike the account's past.
        not_given: What the platform does not give, in the English words of the vocabulary.
    """

    source: str
    title: str
    colour: Colour
    line: str
    analytics: str = ""
    late: tuple[dt.date, ...] = ()
    absent: tuple[dt.date, ...] = ()
    left_out: bool = False
    early: tuple[dt.date, ...] = ()
    held: tuple[dt.date, ...] = ()
    unlike: tuple[dt.date, ...] = ()
    not_given: tuple[str, ...] = ()


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Something that the client's file has for the days to come.

    Attributes:
        what: A campaign starts, ends, or goes on beyond these days; or a touchpoint is out, or an event is held.
        name: Of the campaign or touchpoint.
        day: The day; of a campaign that goes on, its last one.
    """

    what: Literal["starts", "ends", "goes on", "asset"]
    name: str
    day: dt.date


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """The one thing that is asked of the client.

    Attributes:
        what: `head count`: how many came to an event, which nobody has told. `answers`: replies to people who wrote and
            still wait. `pictures`: for a campaign that starts soon.
        by: Until when.
        name: Of the event or the campaign; empty for answers.
        day: The day of the event, or on which the campaign starts.
        waiting: How many people wait for an answer.
    """

    what: Literal["head count", "answers", "pictures"]
    by: dt.date
    name: str = ""
    day: dt.date | None = None
    waiting: int = 0


class Hours(msgspec.Struct, frozen=True, kw_only=True):
    """Office hours on the client's clock that some days in a row have alike; days from Monday, 0, to Sunday, 6."""

    first: int
    last: int
    opens: str
    closes: str


class Answers(msgspec.Struct, frozen=True, kw_only=True):
    """How the client answered the conversations that people began under its posts in the week.

    Attributes:
        received: Conversations that were begun.
        answered: How many of them the client has answered.
        half_within: Half of all had an answer within so many office hours, those who still wait counted in; None:
            not known, or too few to tell.
    """

    received: int
    answered: int
    half_within: float | None


class Conversation(msgspec.Struct, frozen=True, kw_only=True):
    """Replies people wrote to posts of the week, and replies the client wrote in the week; None: not reported.

    `written_at_least`: some platforms tell only of the replies under the newest posts, so there may be more.
    `answers`: None where nobody began a conversation, or no platform tells of any.
    """

    received: int | None
    written: int | None
    written_at_least: bool = False
    answers: Answers | None = None


class Lesson(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to know: a card of at most 60 words that teaches how to read this report; `id` names the card."""

    title: str
    text: str
    id: str = ""


class RateFact(msgspec.Struct, frozen=True, kw_only=True):
    """A rate of the week, in per cent, or a time to answer in office hours, with how sure it is.

    Attributes:
        metric: Canonical metric; it says what the rate is divided by.
        label: Its name for the client.
        meaning: One plain sentence: what it is a rate of.
        definition: Metric and definition version.
        platform: The platform's or the analytics' name for people; empty where it is about conversations.
        handle: The account's, where it is about one.
        value: What it was.
        low: Lower end of the range that holds the true one with `coverage`.
        high: Upper end; None: no such end can be told yet.
        coverage: E.g. 0.95.
        usual_low: Lower end of the range in which `usual_coverage` of weeks lie, if their posts are as the account's
            earlier ones; None: there is nothing to hold it against.
        usual_high: Upper end.
        usual_coverage: E.g. 0.8.
        word: Where the value lies against that range.
    """

    metric: str
    label: str
    meaning: str
    definition: str
    platform: str = ""
    handle: str = ""
    value: float
    low: float
    high: float | None
    coverage: float = 0.95
    usual_low: float | None = None
    usual_high: float | None = None
    usual_coverage: float = 0.8
    word: Word = "no usual week yet"


class Correction(msgspec.Struct, frozen=True, kw_only=True):
    """A number of an earlier report that is another one by now.

    Attributes:
        first_day: Monday of the week it belongs to.
        label: Its name for the client.
        said: What that report says; None: not reported.
        known: What is known now; None: not reported any more.
        decimals: Digits after the decimal point when printed.
        why: What has changed it.
        source: Name of the source that has, for people; empty if there are several or none.
    """

    first_day: dt.date
    label: str
    said: float | None
    known: float | None
    decimals: int = 0
    why: Literal["late data", "platform revision", "our fix"]
    source: str = ""


class AccountFact(msgspec.Struct, frozen=True, kw_only=True):
    """An account in the appendix, with its posts of the week; followers stand here only, never among the figures."""

    platform: str
    handle: str
    url: str
    posts: int
    followers: int | None


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """Everything one report may say.

    Attributes:
        client_id: The client's id.
        client_name: The client's name.
        locale: Babel locale of numbers and dates.
        time_zone: The client's IANA zone; `first_day`..`last_day` are its days.
        period: ISO week, e.g. `2026-W46`.
        first_day: Monday.
        last_day: Sunday.
        revision: 1 for the first report composed on the week, and one more for each later one.
        corrects: Whether an earlier revision has been sent.
        as_of: Only what had been recorded by then (UTC) is in the report.
        colour: The worst verdict of the sources.
        grade: The week in one word.
        figures: At most six, in the client's order.
        chart: 28 days of website visits, or of reactions where there is no website; None where a year is shown.
        year: Every fourth week, a year of reactions per post; None where there are no four quarters yet.
        worth_knowing: At most three days that stood out; those that nothing known explains come first.
        goals: Those whose time is now.
        posts: At most three.
        posting: How many posts there were; None where this week, or all weeks before it, were not read whole.
        nothing_posted: That nobody posted: each account of the client was read whole, and none had a post in the week.
        channels: Where the website's visits came from.
        campaigns: Campaigns running in the week, and those lately over of which something has moved.
        untagged: How many visits from social networks came by links without tags; None: not known, or none at all.
        conversation: Replies received and written.
        rates: Rates of the week, each with its doubt, for the appendix.
        sources: One verdict a source.
        accounts: The appendix.
        lesson: One card of education.
        planned: What stands in the plan from the day on which the report is sent to the day before the next one, e.g.
            campaign starts and ends; ready words in facts from before plans were typed.
        ask: The one thing that is asked of the client; None: nothing.
        sender_name: Person at the agency.
        sender_email: Address the mail comes from.
        reply_to: Where answers go.
        agency: Name of the agency.
        postal_address: Of the agency.
        office_hours: In English words, e.g. `Mon-Fri 08:00-17:00`; printed where `hours` are not known.
        hours: The office hours, typed.
        closed_on_holidays: Whether holidays are none of them.
        client_file: The client's file as it was, as JSON, so that the report can be composed again once the file has
            changed; never printed.
        corrections: What the report before would say otherwise now; at most three numbers.
        glossary_url: Where all cards and words are explained; empty if the agency has published no glossary.
        theme: How the mail looks: a `widerview.agency.theme.Theme` as JSON, so that it looks the same once the theme
            file has changed; the built-in one if empty.
        pdf: Whether the report is attached as a PDF, too.
        approved_by: Who has approved the report; None while nobody has.
        approved_at: When it was approved (UTC). Without `approved_by`: it was sent without review, as agreed.
        struck: The sentence that the reviewer has struck, as it was written; None if none was.
    """

    client_id: str
    client_name: str
    locale: str
    time_zone: str
    period: str
    first_day: dt.date
    last_day: dt.date
    revision: int
    corrects: bool = False
    as_of: dt.datetime
    colour: Colour
    grade: Grade
    figures: tuple[Figure, ...]
    chart: Chart | None
    year: Year | None = None
    worth_knowing: tuple[NotableDay, ...] = ()
    goals: tuple[GoalFact, ...] = ()
    posts: tuple[PostFact, ...]
    posting: Posting | None = None
    nothing_posted: bool = False
    channels: tuple[ChannelFact, ...]
    campaigns: tuple[CampaignFact, ...]
    untagged: Untagged | None = None
    conversation: Conversation
    rates: tuple[RateFact, ...] = ()
    sources: tuple[SourceFact, ...]
    accounts: tuple[AccountFact, ...]
    lesson: Lesson | None
    planned: tuple[Plan | str, ...]
    ask: Ask | None = None
    sender_name: str
    sender_email: str
    reply_to: str
    agency: str
    postal_address: str
    office_hours: str
    hours: tuple[Hours, ...] = ()
    closed_on_holidays: bool = False
    client_file: str = ""
    glossary_url: str = ""
    corrections: tuple[Correction, ...] = ()
    theme: str = ""
    pdf: bool = False
    approved_by: str | None = None
    approved_at: dt.datetime | None = None
    struck: str | None = None

    @property
    def running_campaigns(self) -> tuple[CampaignFact, ...]:
        """Those that have a day in the week."""
        return tuple(campaign for campaign in self.campaigns if campaign.ends >= self.first_day)
