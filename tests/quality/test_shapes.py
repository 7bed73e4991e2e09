import json

from hypothesis import given
from hypothesis import strategies as st

from widerview.quality.shapes import ENOUGH_PULLS, MOST_PATHS, drift, shape_of
from widerview.quality.verdict import Drift


def seen(content: object) -> dict:
    return {"posts": shape_of(json.dumps(content).encode())}


def test_a_shape_names_every_place_and_its_types():
    content = {"data": [{"id": "1", "likes": 3, "shares": {"count": 2}}, {"id": "2", "likes": None, "hidden": True}]}
    assert shape_of(json.dumps(content).encode()) == {
        "data[].id": {"string"},
        "data[].likes": {"number"},
        "data[].shares.count": {"number"},
        "data[].hidden": {"boolean"},
    }


def test_keys_that_are_data_are_one_place():
    days = {f"2026-11-{day:02}": {"visits": day} for day in range(1, 31)}
    assert shape_of(json.dumps(days).encode()) == {"*.visits": {"number"}}


def test_what_is_no_json_has_no_shape():
    assert shape_of(b"<html>") is None


def test_what_differs_is_recorded():
    changes, known = drift({}, seen({"id": 1, "likes": 3}))
    assert changes == ()
    changes, known = drift(known, seen({"id": "1", "likes": 3, "mood": "sunny"}))
    assert changes == (
        Drift(stream="posts", path="id", change="changed type", was=("number",), now=("string",)),
        Drift(stream="posts", path="mood", change="new key", now=("string",)),
    )
    assert known["posts"].traits["id"].types == ("number", "string"), "and the next time it is known"
    assert drift(known, seen({"id": 7, "likes": 3, "mood": "dull"}))[0] == ()


def test_a_key_has_vanished_when_it_had_always_been_there():
    known: dict = {}
    for number in range(ENOUGH_PULLS):
        changes, known = drift(known, seen({"id": 1} | ({"text": "x"} if number else {}) | {"likes": 1}))
    changes, _ = drift(known, seen({"id": 1}))
    assert changes == (Drift(stream="posts", path="likes", change="vanished key", was=("number",)),), "text is optional"


def test_a_stream_that_was_not_asked_keeps_its_shape():
    _, known = drift({}, seen({"id": 1}))
    assert drift(known, {}) == ((), known)


ANSWERS = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
)


@given(ANSWERS)
def test_the_same_answer_twice_never_drifts(content: object):
    _, known = drift({}, seen(content))
    changes, again = drift(known, seen(content))
    assert changes == ()
    assert len(again["posts"].traits) <= MOST_PATHS
