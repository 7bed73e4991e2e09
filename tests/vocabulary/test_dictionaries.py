"""What a platform counts, and since when: read, refused with a line and a fix, and asked for its breaks."""

import datetime as dt
import importlib.resources

import pytest
from dictionary_samples import CLIPS, clips
from hypothesis import given
from hypothesis import strategies as st

from widerview.sources.registry import SOURCES
from widerview.vocabulary.dictionaries import load_dictionary
from widerview.vocabulary.files import BadVocabulary
from widerview.vocabulary.metrics import METRICS

DAYS = st.dates(dt.date(2026, 7, 1), dt.date(2026, 12, 31))
CHANGE = dt.date(2026, 8, 24)


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_every_source_has_its_own_dictionary(source):
    assert source.dictionary.source == source.name
    assert source.metrics == source.dictionary.metrics
    grains = {each.grain for each in source.dictionary.definitions}
    usual = {"web": {"site_day"}, "offline": {"folder_day"}, "social": {"account", "post"}}
    assert grains - {"account_day"} == usual[source.kind]


@pytest.mark.parametrize("name", ["bluesky", "mastodon"])
def test_nothing_on_a_platform_without_ads_is_paid(name):
    assert {each.placement for each in SOURCES[name].dictionary.definitions} == {"organic"}


def test_a_package_ships_its_dictionary_as_a_file(tmp_path, monkeypatch):
    package = tmp_path / "clips_for_widerview"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "clips.yaml").write_bytes(CLIPS)
    monkeypatch.syspath_prepend(tmp_path)
    assert load_dictionary(importlib.resources.files("clips_for_widerview") / "clips.yaml") == clips
    assert load_dictionary(package / "clips.yaml") == clips


def test_a_metric_that_has_ended_is_not_reported_any_more():
    assert clips.metrics == ("video_views", "likes")


def test_the_definition_of_a_day():
    before = clips.definition("video_views", "post", CHANGE - dt.timedelta(days=1))
    assert (before.version, before.native_metric, before.placement) == (1, "views", "organic")
    assert clips.definition("video_views", "post", CHANGE).version == 2
    assert clips.definition("video_views", "account_day", CHANGE).version == 1
    with pytest.raises(LookupError, match="clips has no definition of impressions of a post on 2025-11-15"):
        clips.definition("impressions", "post", dt.date(2025, 11, 15))


@given(DAYS, DAYS)
def test_a_series_crosses_a_break_if_and_only_if_its_ends_have_two_definitions(one, other):
    first, last = sorted((one, other))
    breaks = clips.breaks("video_views", first, last, grain="post")
    ends = {clips.definition("video_views", "post", day).version for day in (first, last)}
    assert [each.day for each in breaks] == ([CHANGE] if len(ends) == 2 else [])


def test_a_break_says_what_changed_and_when():
    found = clips.breaks("video_views", dt.date(2026, 8, 1), dt.date(2026, 12, 1))
    assert [(each.day, each.after.grain) for each in found] == [
        (CHANGE, "post"),
        (dt.date(2026, 10, 1), "account_day"),
    ]
    assert str(found[0]) == (
        "clips counts video_views otherwise since 2026-08-24 (version 1 until then, version 2 now)"
    )


def test_a_derived_metric_breaks_with_its_parts():
    assert "video_views" in METRICS["average_watch_time"].parts
    assert clips.breaks("average_watch_time", CHANGE - dt.timedelta(days=1), CHANGE)
    assert not clips.breaks("likes", dt.date(2026, 1, 1), dt.date(2026, 12, 31))


def test_breaks_of_an_unknown_metric_are_not_none_but_an_error():
    with pytest.raises(KeyError):
        clips.breaks("vidoe_views", dt.date(2026, 1, 1), dt.date(2026, 12, 31))


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ("source: clips\n", "", ["the name of the source is missing", "add a line like source: bluesky"]),
        ("post:\n", "posts:\n", [":2:1", "there is no grain posts", "account, post, account_day, post_day, site_day"]),
        ("  likes:", "  comments:", ["post.comments: there is no metric comments", "write replies, which is the word"]),
        ("  likes:", "  lieks:", ["post.lieks: there is no metric lieks", "did you mean likes?"]),
        ("  likes:", "  zzz:", ["write one of the metrics of widerview/vocabulary/metrics.yaml"]),
        ("native_metric: thumbs", "native: thumbs", ["post.likes[0]", "unknown field `native`", "native_metric"]),
        ("valid_to: 2026-08-23", "valid_to: 23 August", [":5:17: post.video_views[0].valid_to: Invalid RFC3339"]),
        ("https://clips", "http://clips", ["post.video_views[0].documented_at: Expected `str` matching regex"]),
        ("      valid_to: 2026-08-23\n", "",
         ["post.video_views[1]: video_views version 2 begins on 2026-08-24, and version 1 has not ended by then",
          "write valid_to: 2026-08-23 for version 1"]),
        ("valid_to: 2026-08-23", "valid_to: 2026-09-01", ["write valid_to: 2026-08-23 for version 1"]),
        ("valid_to: 2026-08-23", "valid_to: 2026-08-20",
         ["video_views has no definition from 2026-08-21 to 2026-08-23", "or valid_from: 2026-08-21 for version 2"]),
        ("      valid_from: 2026-08-24\n", "", ["version 2 has no first day", "write valid_from"]),
        ("version: 2", "version: 3", ["version 3 stands after version 1", "count the versions by one"]),
        ("valid_from: 2020-01-01", "valid_from: 2026-01-01",
         ["impressions version 1 ends on 2025-11-14, before it begins on 2026-01-01"]),
        (CLIPS.decode(), "source: clips\npost: likes\n", ["post: Expected `object`, got `str`"]),
        (CLIPS.decode(), "source: clips\npost:\n  likes:\n", ["post.likes: likes has no definition"]),
        (CLIPS.decode(), "source: clips\npost:\n  likes: [1]\n", ["post.likes[0]: Expected `object`, got `int`"]),
        (CLIPS.decode(), "source: clips\n---\n", ["a second document begins here", "a file of its own"]),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_place_metric_and_fix(right, wrong, told):
    with pytest.raises(BadVocabulary) as caught:
        load_dictionary(CLIPS.decode().replace(right, wrong, 1).encode())
    message = str(caught.value)
    assert message.startswith("<bytes>:")
    assert "\n  fix: " in message
    for words in told:
        assert words in message
    assert "client" not in message


def test_all_mistakes_are_told_at_once():
    wrong = CLIPS.replace(b"likes:", b"lieks:").replace(b"version: 2", b"version: two")
    with pytest.raises(BadVocabulary) as caught:
        load_dictionary(wrong)
    assert [each.line for each in caught.value.problems] == sorted(each.line for each in caught.value.problems)
    assert len(caught.value.problems) == 3
