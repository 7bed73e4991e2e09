"""The chart shows what is known, marks what is not, and is the same picture everywhere."""

import datetime as dt
import struct
import subprocess
import sys
import xml.etree.ElementTree as ET
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import facts_samples
from facts_samples import chart
from widerview.report.chart import BUILT_IN, HEIGHT, WIDTH, chart_png, chart_svg, colours, notes
from widerview.report.facts import Chart, DayPoint

replace = msgspec.structs.replace
SVG = "{http://www.w3.org/2000/svg}"
WEEK, BEFORE = colours(BUILT_IN).accent, colours(BUILT_IN).before


def bars(svg: str, colour: str) -> list[ET.Element]:
    """The bars of one colour; the legend's swatch of it comes first and is no bar."""
    return [rect for rect in ET.fromstring(svg).iter(f"{SVG}rect") if rect.get("fill") == colour][1:]


def words(svg: str) -> list[str]:
    return [text.text or "" for text in ET.fromstring(svg).iter(f"{SVG}text")]


def days(*values: float | None) -> Chart:
    first = dt.date(2026, 10, 19)
    points = [DayPoint(day=first + dt.timedelta(days=i), value=value) for i, value in enumerate(values)]
    return Chart(title="Website visits", unit="visits", points=tuple(points))


def test_the_reports_week_stands_out():
    svg = chart_svg(chart(), "en_GB")
    assert len(bars(svg, WEEK)) == 7
    assert len(bars(svg, BEFORE)) == 19  # 21 days before, two of them not reported


def test_missing_days_are_a_dashed_box_and_an_empty_day_is_a_line():
    svg = chart_svg(days(*[5.0] * 7, 0.0, None, None, 5.0, 5.0, 5.0, None), "en_GB")
    assert "no number" in words(svg)
    boxes = [rect for rect in ET.fromstring(svg).iter(f"{SVG}rect") if rect.get("stroke-dasharray")][1:]
    assert [float(box.get("width", 0)) for box in boxes] == [2 * 35 - 2, 35 - 2]
    svg = chart_svg(days(*[5.0] * 7, 0.0, None, 5.0, 5.0, 5.0, 5.0, 5.0), "en_GB")
    assert len(bars(svg, WEEK)) == 6
    assert bars(svg, WEEK)[0].get("height") == "2"
    assert "no number" not in words(chart_svg(days(*[0.0] * 28), "en_GB"))


def test_axis_and_notes_are_labelled():
    labels = words(chart_svg(chart(), "en_GB"))
    assert {"0", "10", "20", "30", "19 Oct", "9 Nov", "A", "B"} <= set(labels)
    assert [(letter, point.noted[0].name) for letter, point in notes(chart())] == [
        ("A", "The website's analytics was down for two days."),
        ("B", "Poster in the market hall"),
    ]


def test_labels_can_be_read_on_a_phone():
    root = ET.fromstring(chart_svg(chart(), "en_GB"))
    assert float(root.get("font-size", 0)) * 288 / WIDTH >= 10  # a 320 px screen leaves 288 px


@pytest.mark.parametrize("highest", [0, 1, 3, 7, 30, 31, 99.9, 12_345, 4_000_000])
def test_the_axis_holds_the_highest_bar_in_few_round_steps(highest):
    svg = chart_svg(days(*[highest] * 28), "en_GB")
    assert all(float(bar.get("y", 0)) >= 66 for bar in bars(svg, WEEK))
    axis = [text for text in ET.fromstring(svg).iter(f"{SVG}text") if text.get("text-anchor") == "end"]
    assert 2 <= len(axis) <= 4


@given(st.lists(st.none() | st.floats(0, 1e9), min_size=1, max_size=40))
def test_any_days_can_be_drawn(values):
    ET.fromstring(chart_svg(days(*values), "en_GB"))


def test_strangers_titles_are_no_markup():
    root = ET.fromstring(chart_svg(replace(chart(), title='</title><script>"&'), "en_GB"))
    assert root.find(f"{SVG}script") is None


def test_the_picture_is_sharp_and_the_same_in_every_process():
    png = chart_png(chart_svg(chart(), "en_GB"))
    assert struct.unpack(">II", png[16:24]) == (2 * WIDTH, 2 * HEIGHT)
    assert len(png) < 60_000
    program = (
        f"import sys; sys.path.insert(0, {str(Path(facts_samples.__file__).parent)!r})\n"
        "from facts_samples import chart\n"
        "from widerview.report.chart import chart_png, chart_svg\n"
        "sys.stdout.buffer.write(chart_png(chart_svg(chart(), 'en_GB')))"
    )
    again = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True).stdout
    assert sha256(again).hexdigest() == sha256(png).hexdigest()
