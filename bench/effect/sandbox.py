"""The campaign of the sandbox's agency, whose added visits are known, told by the function that the report uses."""

import datetime as dt
from collections import defaultdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np

from widerview.agency.load import load_client
from widerview.report.effect import effect_of
from widerview.report.facts import EffectFact
from widerview.sandbox.cast import CAMPAIGN
from widerview.sandbox.clients import write_clients
from widerview.sandbox.model import SETTLED_AFTER, Simulation

ANCHOR = dt.date(2026, 11, 16)
_CLIENT = "hollow-oak-bakery"
_DAY = dt.timedelta(days=1)


class Told(NamedTuple):
    """What is told of the campaign at the end of the report's week, and what it has truly added a day until then."""

    effect: EffectFact
    added: float

    @property
    def inside(self) -> bool:
        """Whether the truth lies in the range."""
        low, high = self.effect.low, self.effect.high
        return low is not None and high is not None and low <= self.added <= high


def tell(seed: int) -> Told:
    """Tell the campaign of the agency of a seed."""
    with TemporaryDirectory() as folder:
        paths = write_clients(Path(folder), ANCHOR)
        client = load_client(next(path for path in paths if path.stem == _CLIENT))
    [campaign] = client.campaigns
    model = Simulation(seed, ANCHOR)
    names = model.origins(_CLIENT)
    visits: dict[dt.date, float | None] = {}
    channels: dict[str, dict[dt.date, float]] = defaultdict(dict)
    added = []
    day = model.first_day
    while day < ANCHOR:
        rows = model.visits(_CLIENT, day, day, dt.datetime.combine(day, dt.time(), client.zone) + SETTLED_AFTER)
        visits[day] = float(len(rows))
        for origin, count in zip(*np.unique(rows["origin"], return_counts=True), strict=True):
            of_channel = channels[names[origin].channel]
            of_channel[day] = of_channel.get(day, 0.0) + float(count)
        if (day - ANCHOR).days >= CAMPAIGN.first_offset:
            added.append(int(rows["added"].sum()))
        day += _DAY
    found = effect_of(client, campaign, ANCHOR - _DAY, visits, channels, settled=set(visits), on_social=True)
    return Told(found, float(np.mean(added)))
