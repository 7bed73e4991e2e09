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
    ending: network
    for network, endings in {
        "Bluesky": ("bsky.app", "bsky.social", "xyz.blueskyweb.app"),
        "Discord": ("discord.com", "discord.gg", "com.discord"),
        "Facebook": (
            "facebook.com", "fb.com", "fb.me", "messenger.com", "com.facebook.katana", "com.facebook.lite",
            "com.facebook.orca",
        ),
        "Instagram": ("instagram.com", "com.instagram.android"),
        "LinkedIn": ("linkedin.com", "lnkd.in", "com.linkedin.android"),
        "Mastodon": ("mastodon.social", "mastodon.online", "org.joinmastodon.android"),
        "Nextdoor": ("nextdoor.com", "nextdoor.co.uk", "nextdoor.de", "nextdoor.fr", "com.nextdoor"),
        "Pinterest": ("pin.it", "com.pinterest"),
        "Reddit": ("reddit.com", "com.reddit.frontpage"),
        "Snapchat": ("snapchat.com", "com.snapchat.android"),
        "Telegram": ("t.me", "telegram.me", "telegram.org", "org.telegram.messenger"),
        "Threads": ("threads.com", "threads.net", "com.instagram.barcelona"),
        "TikTok": ("tiktok.com", "com.zhiliaoapp.musically"),
        "Tumblr": ("tumblr.com", "com.tumblr"),
        "Vkontakte": ("vk.com", "vk.ru", "com.vkontakte.android"),
        "WhatsApp": ("wa.me", "whatsapp.com", "com.whatsapp"),
        "X": ("t.co", "twitter.com", "x.com", "com.twitter.android"),
        "XING": ("xing.com", "com.xing.android"),
        "YouTube": ("youtu.be", "youtube.com", "com.google.android.youtube"),
    }.items()
    for ending in endings
}  # fmt: skip
"""Hosts of social networks, and the names of their apps, which Android tells in a host's place."""
_PINTEREST = re.compile(r"(?:.+\.)?pinterest\.[a-z.]{2,6}")
"""It has a host in many a country."""
_NETWORK_NAMES = {name.lower(): name for name in _NETWORKS.values()} | {"twitter": "X"}
"""Names of social networks as analytics may write them."""
_AI_ASSISTANTS = frozenset({
    "chat.deepseek.com", "chat.mistral.ai", "chat.openai.com", "chatgpt.com", "claude.ai", "copilot.microsoft.com",
    "gemini.google.com", "grok.com", "meta.ai", "perplexity.ai", "phind.com", "poe.com", "you.com",
})  # fmt: skip
_SEARCH = re.compile(
    r"(?:(?:cn|images|lens|m)\.)?(?:google|bing|yandex)\.[a-z.]{2,6}|com\.google\.android\.googlequicksearchbox"
    r"|com\.duckduckgo\.mobile\.android|(?:.+\.)?(?:ask\.com|baidu\.com|duckduckgo\.com|ecosia\.org|kagi\.com"
    r"|metager\.(?:de|org)|mojeek\.com|qwant\.com|search\.(?:aol|brave|naver|yahoo)\.com|search\.seznam\.cz"
    r"|search\.yahoo\.co\.jp|startpage\.com|(?:search|suche)\.(?:gmx\.(?:at|ch|net)|t-online\.de|web\.de)"
    r"|swisscows\.com)"
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
    if _PINTEREST.fullmatch(host):
        return "social", "Pinterest"
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
