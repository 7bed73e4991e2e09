"""The registry: the built-in sources keep to the protocol, and other packages may bring more."""

import re
from importlib.metadata import EntryPoint

import pytest

from widerview.sources import registry
from widerview.sources.registry import SOURCES, source


def test_the_built_in_sources_are_there():
    assert set(SOURCES) >= {"bluesky", "mastodon", "matomo"}
    assert all(source(name).name == name for name in SOURCES)


@pytest.mark.parametrize("found", SOURCES.values(), ids=SOURCES.keys())
def test_a_source_says_what_its_dag_needs(found):
    assert re.fullmatch(r"[a-z][a-z0-9_]*", found.name)
    assert found.title
    assert found.api_version
    assert found.streams
    assert found.metrics
    assert found.kind in {"social", "web"}
    assert found.lookback_days > 0
    assert found.pool_slots > 0
    assert found.call_budget >= len(found.streams)
    module = __import__(type(found).__module__, fromlist=["SOURCE"])
    assert module.SOURCE is found
    for part in ("Purpose", "Inputs", "Outputs", "Limits", "When it fails"):
        assert f"**{part}.**" in module.__doc__


def test_an_unknown_source_lists_the_known():
    with pytest.raises(LookupError, match="bluesky, mastodon, matomo"):
        source("myspace")


def test_a_broken_or_clashing_package_costs_only_its_own_source(monkeypatch, caplog):
    points = [
        EntryPoint("broken", "no.such.module:SOURCE", registry.GROUP),
        EntryPoint("twice", "widerview.sources.bluesky:SOURCE", registry.GROUP),
    ]
    monkeypatch.setattr(registry, "entry_points", lambda group: points)
    assert set(registry._load()) == {"bluesky", "mastodon", "matomo"}
    assert "'broken'" in caplog.text
    assert "taken" in caplog.text
