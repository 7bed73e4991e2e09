"""The registry: the built-in sources keep to the protocol, and other packages may bring more."""

import re
import sys
import types
from importlib.metadata import EntryPoint

import pytest

from widerview.sources import registry
from widerview.sources.registry import SOURCES, source

BUILT_IN = {
    "access_log", "bluesky", "drop_folder", "facebook", "ga4", "instagram", "linkedin", "mastodon", "matomo",
    "pinterest", "plausible", "search_console", "threads", "tiktok", "umami", "x", "youtube",
}  # fmt: skip


def test_the_built_in_sources_are_there():
    assert set(SOURCES) == BUILT_IN
    assert all(source(name).name == name for name in SOURCES)


@pytest.mark.parametrize("found", SOURCES.values(), ids=SOURCES.keys())
def test_a_source_says_what_its_dag_needs(found):
    assert re.fullmatch(r"[a-z][a-z0-9_]*", found.name)
    assert found.title
    assert found.api_version
    assert found.streams
    assert found.metrics
    assert found.kind in {"social", "web", "offline"}
    assert found.lookback_days > 0
    assert found.pool_slots > 0
    assert found.call_budget >= len(found.streams)
    assert found.calls_a_day >= found.call_budget
    assert found.evidence
    assert found.dictionary.source == found.name
    most_days = 1 + max(30, (found.weekly_lookback_days or 0) + 6)  # after an outage, or when a Sunday was missed
    for days in (found.lookback_days + 1, most_days):
        assert found.expected_calls(posts=20, days=days) <= found.call_budget
    if found.needs_connection:
        assert found.renewal_page
    if found.weekly_lookback_days is not None:
        assert found.weekly_lookback_days > found.lookback_days
    for written in (found.reference, *found.options.values()):
        example = re.sub(r"^\"([^\"]+)\".*", r"\1", written.example).split(", or ")[0]
        assert re.fullmatch(written.pattern, example), "what a mistake is answered with must be right itself"
    assert set(found.required_options) <= set(found.options)
    module = __import__(type(found).__module__, fromlist=["SOURCE"])
    assert module.SOURCE is found
    for part in ("Purpose", "Inputs", "Outputs", "Calls", "Limits", "When it fails"):
        assert f"**{part}.**" in module.__doc__


def test_an_unknown_source_lists_the_known():
    with pytest.raises(LookupError, match="mastodon, matomo"):
        source("myspace")


def test_a_broken_or_clashing_package_costs_only_its_own_source(monkeypatch, caplog):
    points = [
        EntryPoint("broken", "no.such.module:SOURCE", registry.GROUP),
        EntryPoint("twice", "widerview.sources.bluesky:SOURCE", registry.GROUP),
    ]
    monkeypatch.setattr(registry, "entry_points", lambda group: points)
    assert set(registry._load()) == BUILT_IN
    assert "'broken'" in caplog.text
    assert "taken" in caplog.text


def test_what_is_no_source_costs_only_itself(monkeypatch, caplog):
    points = [EntryPoint("odd", "widerview.sources.registry:GROUP", registry.GROUP)]
    monkeypatch.setattr(registry, "entry_points", lambda group: points)
    assert set(registry._load()) == BUILT_IN
    assert "is no instance of a class derived from" in caplog.text


def test_another_packages_source_is_as_good_as_a_built_in_one(monkeypatch):
    harbour = types.ModuleType("harbour_widerview")

    class Harbour(type(SOURCES["bluesky"])):
        name = "harbour"
        title = "Harbour"

    harbour.SOURCE = Harbour()
    monkeypatch.setitem(sys.modules, "harbour_widerview", harbour)
    points = [EntryPoint("harbour", "harbour_widerview:SOURCE", registry.GROUP)]
    monkeypatch.setattr(registry, "entry_points", lambda group: points)
    assert set(registry._load()) == BUILT_IN | {"harbour"}
