"""The words of posts: where they stood, what they drew, and how that stands against the account's other posts."""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from zoneinfo import ZoneInfo

from widerview.report.facts import Facts, Lift, PostFact
from widerview.report.voice import rounded, times, voice_of


def post_where(facts: Facts, post: PostFact) -> str:
    """On which platform, and when, a post stood."""
    day = post.published_at.astimezone(ZoneInfo(facts.time_zone)).date()
    return f"{post.platform}, {voice_of(facts.locale).day(day)}"


def post_brief(facts: Facts, post: PostFact) -> str:
    """What a post drew, and how that stands against the account's other posts, in a few words."""
    voice = voice_of(facts.locale)
    words = {"reactions": voice.count("%(n)s reaction", "%(n)s reactions", post.reactions)}
    if post.lift is None or not stands_out(post.lift):
        return voice.gettext("%(reactions)s; too early to judge.") % words
    words |= {"times": times(voice, post.lift.times), "low": voice.about(low_end(post.lift))}
    words["high"] = voice.about(high_end(post.lift))
    return voice.gettext("%(reactions)s, %(times)s the usual (%(low)s–%(high)s).") % words


def post_lines(facts: Facts, post: PostFact) -> tuple[str, str]:
    """Of a post: all that it drew, as far as it is reported, and how it stands against the account's other posts."""
    voice = voice_of(facts.locale)
    drew = voice.count("%(n)s reaction", "%(n)s reactions", post.reactions)
    parts = []
    if post.replies is not None:
        parts.append(voice.count("%(n)s reply", "%(n)s replies", post.replies))
    if post.reposts is not None:
        parts.append(voice.count("%(n)s repost", "%(n)s reposts", post.reposts))
    if parts:
        drew = voice.say("%(reactions)s, of them %(parts)s", reactions=drew, parts=", ".join(parts))
    if post.shares is not None:
        shared = voice.count("shared %(n)s time", "shared %(n)s times", post.shares)
        drew = f"{drew}; {shared}"
    if post.lift and stands_out(post.lift):
        standing = voice.gettext("%(times)s what is usual there (%(low)s to %(high)s times).") % {
            "times": times(voice, post.lift.times),
            "low": voice.about(low_end(post.lift)),
            "high": voice.about(high_end(post.lift)),
        }
    else:
        standing = voice.gettext("Too early to say whether that is more than usual.")
    return drew, standing[:1].upper() + standing[1:]


def best_post(facts: Facts) -> PostFact | None:
    """The post of the week that stood out most; None where chance may explain them all."""
    standing = [(post.lift.times, post) for post in facts.posts if post.lift and stands_out(post.lift)]
    return max(standing, key=lambda each: each[0])[1] if standing else None


def stands_out(lift: Lift) -> bool:
    """Whether the range that is printed lies above once the usual."""
    return low_end(lift) > 1


def low_end(lift: Lift) -> Decimal:
    """The lower end as it is printed: a range of doubt is rounded outwards."""
    return rounded(lift.low, 1, ROUND_FLOOR)


def high_end(lift: Lift) -> Decimal:
    """The upper end as it is printed."""
    return rounded(lift.high, 1, ROUND_CEILING)
