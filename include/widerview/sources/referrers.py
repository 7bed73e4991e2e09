"""What a visit counts for: the channel it came by, the social network, the campaign and its touchpoint.

Analytics tell the tags of the link, the host it was on, or a group that they have put the visit into. What that means
is decided here once, so that the same visit counts alike whoever has counted it.
"""

import re
from collections.abc import Iterator

from widerview.sources.base import Dimension

Member = tuple[Dimension, str]
"""A dimension, and the member of it that a visit counts for."""

USUAL_CHANNELS = ("direct", "search", "website", "campaign", "social")
"""The channels that each day has, also where nobody came by them."""

_GROUPS = {
    "Direct": "direct",
    "Organic Search": "search",
    "Referral": "website",
    "Organic Shopping": "website",
    "Organic Social": "social",
    "Organic Video": "social",
    "AI Assistant": "ai_assistant",
    "AI Assistants": "ai_assistant",
} | dict.fromkeys(
    ("Affiliates", "Audio", "Cross-network", "Display", "Email", "Mobile Push Notifications", "Paid Other",
     "Paid Search", "Paid Shopping", "Paid Social", "Paid Video", "SMS"),
    "campaign",
)  # fmt: skip
"""Google's default channel groups, which Plausible has taken over. Whatever was paid for or mailed is a campaign."""

_NETWORKS = {
    "bsky.app": "Bluesky",
    "facebook.com": "Facebook",
    "fb.com": "Facebook",
    "fb.me": "Facebook",
    "instagram.com": "Instagram",
    "linkedin.com": "LinkedIn",
    "lnkd.in": "LinkedIn",
    "com.linkedin.android": "LinkedIn",
    "mastodon.social": "Mastodon",
    "mastodon.online": "Mastodon",
    "pin.it": "Pinterest",
    "pinterest.com": "Pinterest",
    "com.pinterest": "Pinterest",
    "reddit.com": "Reddit",
    "com.reddit.frontpage": "Reddit",
    "threads.com": "Threads",
    "threads.net": "Threads",
    "tiktok.com": "TikTok",
    "t.co": "X",
    "twitter.com": "X",
    "x.com": "X",
    "youtu.be": "YouTube",
    "youtube.com": "YouTube",
}
"""Hosts of social networks, and the names of their apps, which Android tells in a host's place."""
_NETWORK_NAMES = {name.lower(): name for name in _NETWORKS.values()} | {"twitter": "X"}
"""Names of social networks as analytics may write them."""
_AI_ASSISTANTS = frozenset({
    "chat.deepseek.com", "chat.mistral.ai", "chat.openai.com", "chatgpt.com", "claude.ai", "copilot.microsoft.com",
    "gemini.google.com", "grok.com", "meta.ai", "perplexity.ai", "phind.com", "poe.com", "you.com",
})  # fmt: skip
_SEARCH = re.compile(
    r"(?:google|bing|yandex)\.[a-z.]{2,6}|com\.google\.android\.googlequicksearchbox|(?:.+\.)?(?:baidu\.com"
    r"|duckduckgo\.com|ecosia\.org|kagi\.com|mojeek\.com|qwant\.com|search\.brave\.com|search\.yahoo\.com"
    r"|startpage\.com|swisscows\.com)"
)


def origin_of(host: str) -> tuple[str, str | None]:
    """The channel of a visit by an untagged link from `host` (empty if none is told), and the social network if any."""
    host = host.lower().removeprefix("www.")
    labels = host.split(".")
    endings = [".".join(labels[start:]) for start in range(len(labels))]
    if not host:
        return "direct", None
    if network := next((_NETWORKS[ending] for ending in endings if ending in _NETWORKS), None):
        return "social", network
    if not _AI_ASSISTANTS.isdisjoint(endings):
        return "ai_assistant", None
    return ("search" if _SEARCH.fullmatch(host) else "website"), None


def channel_of(group: str) -> str:
    """The channel that a default channel group of Google is; one that is not known becomes `other_…`."""
    return _GROUPS.get(group) or f"other_{re.sub(r'[^a-z0-9]+', '_', group.lower()).strip('_')}"


def network_of(name: str) -> str:
    """The social network that analytics call `name`, be that a name or a host; one that is not known stays as it is."""
    return _NETWORK_NAMES.get(name.lower()) or origin_of(name)[1] or name


def tag(text: str) -> str:
    """A link's tag as it is stored, however it was written: in lower case, with single blanks."""
    return " ".join(text.lower().split())


def tagged(campaign: str, source: str) -> Iterator[Member]:
    """Where a visit by a tagged link counts, by `utm_campaign` and `utm_source` (empty if there is none)."""
    yield "channel", "campaign"
    yield "campaign", campaign
    if source:
        yield "touchpoint", f"{campaign}/{source}"


def referred(host: str) -> Iterator[Member]:
    """Where a visit by an untagged link counts, by the host that the link was on; empty if none is told."""
    channel, network = origin_of(host)
    yield "channel", channel
    if network:
        yield "network", network
