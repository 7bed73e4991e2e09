"""One thing to know: cards that teach how to read the report, one each, chosen by what the report contains."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from widerview.report.facts import Facts, Lesson
from widerview.report.voice import marked as _
from widerview.report.voice import voice_of

WEEKS_APART = 12
"""No card comes back within this many weeks."""

LONGEST = 60
"""Words of a card at most."""

_SMALL = 20


class Card(NamedTuple):
    """A card: its id (also its anchor in the glossary), what it says, and which reports it suits."""

    id: str
    title: str
    text: str
    suits: Callable[[Facts], bool] | None = None
    """Whether a report contains what the card speaks of; None: it suits every report."""


def _has_small_numbers(facts: Facts) -> bool:
    return any(figure.value is not None and figure.value < _SMALL for figure in facts.figures)


def _has_touchpoint(kind: str) -> Callable[[Facts], bool]:
    return lambda facts: any(
        touchpoint.kind == kind for campaign in facts.campaigns for touchpoint in campaign.touchpoints
    )


def _has_channel(channel: str) -> Callable[[Facts], bool]:
    return lambda facts: any(each.channel == channel for each in facts.channels)


def _has_word(word: str) -> Callable[[Facts], bool]:
    return lambda facts: any(figure.word == word for figure in facts.figures)


BASICS = (
    Card(
        "usual-range",
        _("Why a range and not a percentage"),
        _(
            "No two weeks are alike, even when nothing has changed. So we do not say “up by a third on last week”. "
            "We show the range your own usual weeks fall in. A number inside it is ordinary; one outside it "
            "deserves a closer look."
        ),
    ),
    Card(
        "own-past",
        _("Your own past is the best yardstick"),
        _(
            "We compare you with your own past weeks, never with another business. Others have another town, "
            "another season, another budget. What helps is knowing when your own week was out of the ordinary, "
            "and learning why."
        ),
    ),
    Card(
        "promise",
        _("What a social media manager can promise"),
        _(
            "Honest numbers and careful work can be promised. A number of likes cannot, nor a post that everyone "
            "shares: the platforms decide who sees what, and they change their minds. If somebody promises you such "
            "a thing, ask how they mean to keep it."
        ),
    ),
    Card(
        "conversation",
        _("A conversation is worth more than an announcement"),
        _(
            "A reply costs a reader more effort than a like, and a friendly answer is seen by everyone who reads "
            "along. A few words back to each person, within a day or so, are often the best-spent minutes of "
            "the week."
        ),
    ),
    Card(
        "long-term",
        _("Growth takes seasons, not weeks"),
        _(
            "A good name grows like a garden: you see little from week to week and a lot from year to year. One "
            "quiet week takes nothing away, and one loud week changes little. So we look at each week calmly, and at "
            "the whole year now and then."
        ),
    ),
    Card(
        "wider-plan",
        _("Social media is one helper among several"),
        _(
            "Your posts work together with your website, your window, your posters, your newsletter and your "
            "events. Each reaches people the others miss. That is why this report shows them side by side: the "
            "question is what the whole plan does."
        ),
    ),
)
"""What a new client learns first, in this order."""

_OTHERS = (
    # --- The numbers of this report ---
    Card(
        "so-far",
        _("Why a number says “so far”"),
        _(
            "Platforms go on counting for days after a week has ended: late likes, late replies, late corrections. "
            "“So far” marks a number that may still rise. To be fair, we hold it against what earlier weeks "
            "had earned by the same day, where we can."
        ),
        lambda facts: any(figure.so_far for figure in facts.figures),
    ),
    Card(
        "tagged-links",
        _("Why we give posters their own link"),
        _(
            "A visit does not tell where it came from unless its link says so. A short tag in the link on each "
            "poster, newsletter and post does that. Someone who reads the poster and types your address by hand "
            "is not counted, so the true number is a little higher."
        ),
        lambda facts: any(campaign.touchpoints for campaign in facts.campaigns),
    ),
    Card(
        "small-numbers",
        _("Small numbers swing"),
        _(
            "Toss a coin ten times and seven heads are no surprise. It is the same with small counts: three "
            "replies one week and six the next can be pure chance. We wait until a number leaves its usual range "
            "before we read anything into it."
        ),
        _has_small_numbers,
    ),
    Card(
        "not-reported",
        _("Why there is sometimes no number"),
        _(
            "“Not reported” means that a platform did not tell us, or that we could not ask it. It does not mean "
            "nobody came. We would rather show you a gap than a zero that is not true."
        ),
        lambda facts: any(figure.value is None for figure in facts.figures),
    ),
    Card(
        "followers",
        _("Why followers stand at the end"),
        _(
            "A follower once pressed a button; it does not mean that they saw this week’s posts. Most platforms "
            "show a post to a part of your followers, and to others too. Reactions, replies and visits tell "
            "more about this week."
        ),
        lambda facts: any(account.followers is not None for account in facts.accounts),
    ),
    Card(
        "many-roads",
        _("Visits come by many roads"),
        _(
            "Someone sees a post on Tuesday, your poster on Thursday, and looks you up on Saturday. The table "
            "shows the last road only. Social media often opens a door that another road walks through, so look "
            "at the whole table, not one line."
        ),
        lambda facts: bool(facts.channels),
    ),
    Card(
        "lift",
        _("Why we say “about twice”"),
        _(
            "The post that did best was good, and a little lucky. So we take some of the luck off, the more the "
            "less we know of your posts, and give the range the truth probably lies in. If that range still "
            "allows for an ordinary post, it is too early to say."
        ),
        lambda facts: any(post.lift is not None for post in facts.posts),
    ),
    Card(
        "reach-followers",
        _("Reach is not the same as followers"),
        _(
            "Reach counts the people who saw something; followers count those who asked to. Some followers "
            "miss a post, and some people who see it follow nobody. Where a platform does not report reach, we do "
            "not guess it."
        ),
        lambda facts: bool(facts.accounts),
    ),
    Card(
        "adding-reach",
        _("Why we never add reach up"),
        _(
            "Ten people saw you on one platform and ten on another. Were that twenty people? Nobody knows: some "
            "use both and would count twice. So each platform’s reach stands alone. A sum would look larger, "
            "and it would not be true."
        ),
        lambda facts: len({account.platform for account in facts.accounts}) > 1,
    ),
    Card(
        "above",
        _("What to do with a good week"),
        _(
            "First, enjoy it. Then ask what was different: a picture, a topic, a day, a poster in a new place. Try "
            "the same once more before you build on it. Twice is a hint, three times is a habit worth keeping."
        ),
        _has_word("above"),
    ),
    Card(
        "below",
        _("What to do with a weak week"),
        _(
            "Mostly nothing. One number in ten falls outside its range on one side by chance alone, and holidays, "
            "weather and news do the rest. When the same number stays low for three weeks, we sit down together and "
            "look for the reason."
        ),
        _has_word("below"),
    ),
    Card(
        "search-visits",
        _("When people look you up by name"),
        _(
            "Many who saw a post or a poster do not click. They search for your name a day later. Their visit "
            "then counts for the search engine. So a busy social week often shows in the search line, and we look "
            "at both."
        ),
        _has_channel("search"),
    ),
    Card(
        "direct-visits",
        _("Visits that come from nowhere"),
        _(
            "“Typed in or bookmarked” also holds links from private messages, e-mails and apps that do not say "
            "where they stand. Some of it may come from your posts. We cannot prove it, so we leave the number "
            "where it was counted."
        ),
        _has_channel("direct"),
    ),
    Card(
        "ai-assistants",
        _("Visits from AI assistants"),
        _(
            "More people ask an assistant instead of a search engine, and some follow its link to you. It reads "
            "your website, not your posts. Clear opening hours, prices and plain words on your pages help it as "
            "much as they help people."
        ),
        _has_channel("ai_assistant"),
    ),
    Card(
        "newsletter",
        _("Your newsletter belongs to you"),
        _(
            "A platform can change its rules overnight. Your list of readers stays yours. So a post that leads "
            "someone to your newsletter has done lasting work, even if it drew few likes. Invite people now and then, "
            "and say what they will get."
        ),
        _has_touchpoint("newsletter"),
    ),
    Card(
        "qr-codes",
        _("A code on paper needs a reason"),
        _(
            "People scan a code when it gives them something now: the menu, a date, a place in a class. Say next to "
            "it what they will find. Keep it larger than a thumb, at the height of the eyes, where a phone "
            "has a signal."
        ),
        lambda facts: _has_touchpoint("qr_code")(facts) or _has_touchpoint("poster")(facts),
    ),
    Card(
        "promo-codes",
        _("What a promo code tells"),
        _(
            "A code told at the till or typed into the shop shows a sale that began with a poster or a post. Not "
            "everyone remembers to use it, so the true number is higher. One code for each place tells "
            "the places apart."
        ),
        _has_touchpoint("promo_code"),
    ),
    Card(
        "events",
        _("Counting heads at an event"),
        _(
            "Ask someone at the door to count, and write the number down the same evening. A rough count beside "
            "the visits to the event’s page tells how many came of those who were curious. That is worth more than "
            "the number of “interested”."
        ),
        _has_touchpoint("event"),
    ),
    Card(
        "we-think",
        _("Why we say “we think”"),
        _(
            "Two things that happen in one week need not belong together. A sunny Saturday may have brought "
            "the people, not the post. So we write “we think” where we see a likely reason, and say nothing where "
            "we see none."
        ),
        lambda facts: bool(facts.campaigns),
    ),
    Card(
        "conversation-share",
        _("Who still waits for an answer"),
        _(
            "When we say how long people waited, we count those who are still waiting, too. Leaving them out would "
            "make us look quicker than we are. Only hours in which your office is open count: nobody has to answer "
            "at night."
        ),
        lambda facts: facts.conversation.answers is not None,
    ),
    Card(
        "fewer-posts",
        _("Fewer posts can earn more"),
        _(
            "A platform shows people what they linger on. Three posts made with care usually do more than seven "
            "made in a hurry, and they leave time for the replies. So we look at what each post earned, not at how "
            "many there were."
        ),
        lambda facts: facts.posting is not None and facts.posting.posts > 0,
    ),
    Card(
        "passed-on",
        _("When somebody passes a post on"),
        _(
            "A share puts your words in front of people you could not reach yourself, with a friend’s "
            "recommendation. It is rare, and worth more than many likes. Things that help others get passed on: a "
            "recipe, a date, a tip, a smile."
        ),
        lambda facts: any(figure.id == "passed_on" and figure.value for figure in facts.figures),
    ),
    Card(
        "data-late",
        _("When a source is late"),
        _(
            "We read each platform every night. Sometimes one is slow, or changes something without a word. Then we "
            "say which numbers are not whole yet. If a main one turns out otherwise, the next report tells you. A "
            "number that we do not trust is not printed."
        ),
        lambda facts: any(source.colour != "green" for source in facts.sources),
    ),
    # --- Good to know at any time ---
    Card(
        "office-hours",
        _("Why nobody answers at midnight"),
        _(
            "Social media never closes, but people must. An answer in office hours is soon enough: who writes at "
            "night is glad of a kind word in the morning. A rested person writes better answers, and goes on doing "
            "so for years."
        ),
    ),
    Card(
        "algorithm",
        _("When a platform changes its mind"),
        _(
            "Platforms decide by rules of their own which posts are shown, and change these rules several times "
            "a year. If all your numbers on one platform move together, that is often the reason. It is nothing "
            "you did, and nothing a trick would mend."
        ),
    ),
    Card(
        "weekdays",
        _("Every weekday has its own usual"),
        _(
            "A Monday is compared with your Mondays, a Saturday with your Saturdays. A shop that is full on Saturday "
            "is no miracle, and a quiet Sunday no worry. So the shaded band in a chart goes up and down with "
            "the week."
        ),
    ),
    Card(
        "seasons",
        _("Your year has seasons"),
        _(
            "Holidays, school terms and the weather move your numbers more than any post. What looks like a fall "
            "in January may be every January. We hold a week against your last twelve, so a season can look like a "
            "change. You know your year: if it is the season, tell us."
        ),
    ),
    Card(
        "big-hit",
        _("The post that everyone saw"),
        _(
            "Now and then a post travels far, and nobody can say why. It brings many strangers for two days, "
            "and most of them live elsewhere. It is a nice surprise and no plan. The people who come back are "
            "won with ordinary good weeks."
        ),
    ),
    Card(
        "paid-organic",
        _("Bought and earned are counted apart"),
        _(
            "An advertisement buys attention for as long as you pay. What people do by themselves is earned, and "
            "stays longer. Both are fair, but added up they would hide each other. So this report never mixes "
            "the two."
        ),
    ),
    Card(
        "partners",
        _("A guest’s audience stays the guest’s"),
        _(
            "When somebody well known shows your shop, many people look for a day or two. That is a good visit, not "
            "a new neighbour. We count it as a short-term help of its own, beside the slow and steady work "
            "of your own posts."
        ),
    ),
    Card(
        "corrections",
        _("Why an old number may change"),
        _(
            "Platforms go over their books: they remove fake accounts, find late views, mend mistakes. If one of the "
            "main numbers of your last report has clearly moved, the next one says so: what it was, what it is now, "
            "and why."
        ),
    ),
    Card(
        "average",
        _("An average is no typical post"),
        _(
            "One post with two hundred likes and nine with ten have an average of twenty-nine, which none of them "
            "came near. “Reactions per post” is such an average: one lucky post lifts it. So look at its "
            "range, and at the posts themselves, before you read much into it."
        ),
    ),
    Card(
        "criticism",
        _("A complaint is a visitor, too"),
        _(
            "Someone who complains in public gives you the chance to be seen being kind. Thank them, say what you "
            "will do, and move on to a private message. Do not delete, do not argue. Many read along, and they judge "
            "the answer, not the complaint."
        ),
    ),
    Card(
        "own-pictures",
        _("Your own picture is the better one"),
        _(
            "A plain photo of your counter, your hands, your street tells people that you are real. Perfect "
            "pictures from a catalogue could be anybody’s. Light from a window, one subject, no text on it: that "
            "is all the art it takes."
        ),
    ),
    Card(
        "alt-text",
        _("Describe your pictures"),
        _(
            "One line that says what a picture shows lets blind people take part, and helps search engines, too. "
            "Write it as you would tell a friend on the phone: “A tray of walnut loaves, just out of the oven.” "
            "It takes a minute a post."
        ),
    ),
    Card(
        "hashtags",
        _("Two good hashtags are plenty"),
        _(
            "A hashtag is a shelf on which people look for something. Yours should be one that your neighbours use: "
            "the town, the market, the event. A long row of popular ones puts you on shelves where nobody looks "
            "for you."
        ),
    ),
    Card(
        "people",
        _("People follow people"),
        _(
            "Posts that show who bakes, sews or repairs are remembered longer than posts that show a price. Ask "
            "those who work with you whether they would like to be seen, and take no for an answer. And say thank "
            "you to them aloud."
        ),
    ),
    Card(
        "one-ask",
        _("One post, one wish"),
        _(
            "Come by, write to us, book a seat: a post that asks for one thing gets it more often than a post that "
            "asks for three. If you only wish to be remembered, ask for nothing. That is a good post as well."
        ),
    ),
    Card(
        "counting-differs",
        _("A view is not a view everywhere"),
        _(
            "One platform counts a view after a blink, another after half a minute, and each may change its mind. So "
            "we compare a platform only with its own past. And when it begins to count in another way, "
            "we begin anew and tell you."
        ),
    ),
    Card(
        "bots",
        _("Not every visit is a person"),
        _(
            "Machines visit websites all day: search engines, checkers, copycats. We leave out those we can "
            "recognise. Some pretend to be people, so no count of visits is exact to the last one. For comparing "
            "your weeks it is exact enough."
        ),
    ),
    Card(
        "goals",
        _("What a good goal looks like"),
        _(
            "“More followers” is hard to use. “Twenty people in the Saturday class by March” can be worked on: "
            "it names who, what and when, and we can see how far we are. We tell you a range in which it will "
            "likely end, not a promise."
        ),
    ),
)

CARDS = BASICS + _OTHERS


def pick(facts: Facts, shown: Mapping[str, int] | None = None) -> Lesson:
    """Choose the card of a report: the same for the same facts and the same past.

    First the basics that the client has not had yet. Then, of the others it has not had, one that speaks of something
    in this report before one that suits every report. Once it has had all, the one that was shown longest ago.

    Args:
        facts: The report's facts; its own `lesson` is not looked at.
        shown: How many weeks ago each card was last shown, by its id. None that is nearer than `WEEKS_APART` weeks
            comes back.
    """
    ago = dict(shown or {})
    free = [card for card in CARDS if ago.get(card.id, WEEKS_APART) >= WEEKS_APART]

    def order(card: Card) -> tuple[int, int]:
        if card.id in ago:
            return 3, -ago[card.id]
        return (0 if card in BASICS else 2 if card.suits is None else 1), 0

    card = min((card for card in free if card.suits is None or card.suits(facts)), key=order)
    gettext = voice_of(facts.locale).gettext
    return Lesson(id=card.id, title=gettext(card.title), text=gettext(card.text))
