"""Make complete mails with a chart out of ready numbers, and print what a mail takes, step by step.

Run it with `make bench-email`; docs/benchmarks.md says how to read it. The numbers are those of the sample report of a
fictional bakery, each mail with other ones, so that nothing can be kept from one to the next.
"""

import os
import resource
import sys
import time
from collections.abc import Callable

import msgspec
from msgspec.structs import replace
from rich.console import Console
from rich.table import Table

from bench.machine import BUILD, ROOT, machine

sys.path.insert(0, str(ROOT / "tests" / "helpers"))  # the samples live beside the tests that use them

from facts_samples import NOTE, good_week
from otter_bakery import client
from widerview.pipeline.weekly import mails
from widerview.report.facts import Facts
from widerview.report.render import render

MOST_CPU, MOST_MEMORY = 60.0, 200.0
"""For a thousand complete mails: CPU seconds, and MB at the peak."""


class Result(msgspec.Struct, frozen=True):
    """What some mails took.

    Attributes:
        what: How far they were made.
        mails: How many.
        cpu: CPU seconds.
        memory: Peak of the process so far, in MB.
        size: Bytes of all of them.
    """

    what: str
    mails: int
    cpu: float
    memory: float
    size: int


def reports(count: int) -> list[Facts]:
    """So many reports, no two with the same numbers."""
    week = good_week()
    assert week.chart
    return [
        replace(
            week,
            revision=number + 1,
            figures=tuple(replace(each, value=each.value and each.value + number) for each in week.figures),
            chart=replace(
                week.chart,
                points=tuple(replace(day, value=day.value and day.value + number % 97) for day in week.chart.points),
            ),
        )
        for number in range(count)
    ]


def without_chart(facts: Facts) -> int:
    rendered = render(replace(facts, chart=None), NOTE)
    return len(rendered.html) + len(rendered.text)


def with_chart(facts: Facts) -> int:
    rendered = render(facts, NOTE)
    return len(rendered.html) + len(rendered.text) + len(rendered.chart_png or b"")


def complete(facts: Facts) -> int:
    return sum(len(mail.message) for mail in mails(client(), facts, NOTE, facts.as_of))


STEPS: dict[str, Callable[[Facts], int]] = {
    "words, HTML and plain text": without_chart,
    "with the chart as PNG": with_chart,
    "complete mail, as sent": complete,
}


def main() -> int:
    count = 50 if os.environ.get("QUICK", "") not in {"", "0"} else int(os.environ.get("MAILS") or 1_000)
    made = reports(count)
    for step in STEPS.values():
        step(good_week())  # templates, fonts and catalogues are read once a process
    results = []
    for what, step in STEPS.items():
        begun, size = time.process_time(), 0
        for facts in made:
            size += step(facts)
        cpu = time.process_time() - begun
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e3 if sys.platform == "linux" else 1e6)
        results.append(Result(what, count, cpu, memory, size))
    console = Console(width=120 if not sys.stdout.isatty() else None)
    shown = Table("made", "CPU s", "ms a mail", "/ complete", "KB a mail", "peak MB", title=f"{count:,} mails")
    for each in results:
        ratio = each.cpu / results[-1].cpu
        row = (f"{each.cpu:.1f}", f"{each.cpu / count * 1e3:.1f}", f"{ratio:.2f}", f"{each.size / count / 1e3:.0f}")
        shown.add_row(each.what, *row, f"{each.memory:.0f}")
    console.print(shown)
    path = BUILD / "email.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode({"machine": machine(), "results": results}), indent=1))
    console.print(f"All figures: {path}")
    last = results[-1]
    return int(last.cpu / count * 1_000 > MOST_CPU or last.memory > MOST_MEMORY)


sys.exit(main())
