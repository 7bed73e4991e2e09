"""What a visit counts for: by the host of its referrer, by a channel group, and by the tags of its link."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from widerview.sources.referrers import USUAL_CHANNELS, channel_of, network_of, origin_of, referred, tag, tagged


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("", ("direct", None)),
        ("www.google.de", ("search", None)),
        ("www.google.co.uk", ("search", None)),
        ("duckduckgo.com", ("search", None)),
        ("search.brave.com", ("search", None)),
        ("de.search.yahoo.com", ("search", None)),
        ("com.google.android.googlequicksearchbox", ("search", None)),
        ("mail.google.com", ("website", None)),
        ("gemini.google.com", ("ai_assistant", None)),
        ("chatgpt.com", ("ai_assistant", None)),
        ("www.perplexity.ai", ("ai_assistant", None)),
        ("l.instagram.com", ("social", "Instagram")),
        ("LM.Facebook.com", ("social", "Facebook")),
        ("com.reddit.frontpage", ("social", "Reddit")),
        ("t.co", ("social", "X")),
        ("pinterest.com", ("social", "Pinterest")),
        ("www.pinterest.de", ("social", "Pinterest")),
        ("uk.pinterest.co.uk", ("social", "Pinterest")),
        ("pinterest.shop.example", ("website", None)),
        ("xing.com", ("social", "XING")),
        ("t.me", ("social", "Telegram")),
        ("web.whatsapp.com", ("social", "WhatsApp")),
        ("snapchat.com", ("social", "Snapchat")),
        ("oak.tumblr.com", ("social", "Tumblr")),
        ("discord.com", ("social", "Discord")),
        ("away.vk.com", ("social", "Vkontakte")),
        ("com.instagram.android", ("social", "Instagram")),
        ("com.facebook.katana", ("social", "Facebook")),
        ("com.twitter.android", ("social", "X")),
        ("suche.web.de", ("search", None)),
        ("suche.t-online.de", ("search", None)),
        ("search.gmx.net", ("search", None)),
        ("cn.bing.com", ("search", None)),
        ("images.google.de", ("search", None)),
        ("web.de", ("website", None)),
        ("not-t.co.example", ("website", None)),
        ("nott.co", ("website", None)),
        ("bsky.app", ("social", "Bluesky")),
        ("quarterpost.example", ("website", None)),
    ],
)
def test_a_referring_host_has_a_channel_and_maybe_a_network(host, origin):
    assert origin_of(host) == origin


@given(st.text())
def test_any_text_in_a_hosts_place_has_a_usual_channel(host):
    channel, network = origin_of(host)
    assert channel in {*USUAL_CHANNELS, "ai_assistant"} - {"campaign"}
    assert (network is not None) == (channel == "social")
    assert (channel == "direct") == (host.lower().removeprefix("www.") == "")


@pytest.mark.parametrize(
    ("group", "channel"),
    [
        ("Direct", "direct"),
        ("Organic Video", "social"),
        ("Organic Shopping", "website"),
        ("Email", "campaign"),
        ("Paid Search", "campaign"),
        ("AI Assistant", "ai_assistant"),  # Google
        ("AI Assistants", "ai_assistant"),  # Plausible
        ("Unassigned", "other_unassigned"),
        ("In-App  (new!)", "other_in_app_new"),
    ],
)
def test_a_channel_group_is_a_channel_and_an_unknown_one_keeps_its_name(group, channel):
    assert channel_of(group) == channel


@pytest.mark.parametrize(
    ("name", "network"),
    [
        ("Twitter", "X"),
        ("X", "X"),
        ("Youtube", "YouTube"),
        ("TIKTOK", "TikTok"),
        ("Linkedin", "LinkedIn"),
        ("Threads", "Threads"),
        ("m.youtube.com", "YouTube"),
        ("com.pinterest", "Pinterest"),
        ("Vkontakte", "Vkontakte"),
        ("google.com", "google.com"),
        ("", ""),
    ],
)
def test_a_network_has_one_name_and_an_unknown_one_keeps_its_own(name, network):
    assert network_of(name) == network


@given(st.text())
def test_any_group_gives_a_plain_name(group):
    assert re.fullmatch(r"[a-z0-9_]+", channel_of(group))


def test_a_tag_is_the_same_however_it_was_written():
    assert {tag(written) for written in ("Autumn Loaf", "autumn loaf", " AUTUMN\u00a0 loaf\n")} == {"autumn loaf"}


def test_a_tagged_link_counts_for_its_campaign_and_an_untagged_one_for_its_host():
    assert list(tagged("autumn", "poster")) == [
        ("channel", "campaign"),
        ("campaign", "autumn"),
        ("touchpoint", "autumn/poster"),
    ]
    assert list(tagged("autumn", "")) == [("channel", "campaign"), ("campaign", "autumn")]
    assert list(referred("lnkd.in")) == [("channel", "social"), ("network", "LinkedIn")]
    assert list(referred("quarterpost.example")) == [("channel", "website")]
    assert list(referred("")) == [("channel", "direct")]
