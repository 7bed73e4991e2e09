"""How many messages were answered, and how long people waited: in office hours, those who still wait counted in."""

import datetime as dt
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from widerview.agency.models import Client
from widerview.agency.office_hours import open_time

_COVERAGE = 0.95


@dataclass(frozen=True)
class Message:
    """A message that needs an answer.

    Attributes:
        written_at: When it was written.
        answered_at: When the client first answered it; None: not yet.
    """

    written_at: dt.datetime
    answered_at: dt.datetime | None


@dataclass(frozen=True)
class Response:
    """How a client's messages were answered.

    Attributes:
        received: Messages that needed an answer.
        answered: How many of them have one.
        rate: Answered of received, in per cent; the metric `response_rate`.
        rate_low: Lower end of the range of the rate that chance leaves, 95 %.
        rate_high: Upper end.
        median: Half of all waited at most so many seconds of office hours; the metric `response_time`. None: more
            than half still wait, so it is not known.
        median_low: Lower end of the range of the median that chance leaves, 95 %.
        median_high: Upper end; None: no such end can be told yet.
        slowest_tenth: Nine in ten waited at most so many seconds of office hours; None: not known.
        longest_wait: How long the one who waits longest has waited by now, in seconds of office hours; None: nobody
            waits.
    """

    received: int
    answered: int
    rate: float
    rate_low: float
    rate_high: float
    median: float | None
    median_low: float | None
    median_high: float | None
    slowest_tenth: float | None
    longest_wait: float | None


def response(messages: Sequence[Message], client: Client, now: dt.datetime) -> Response | None:
    """Say how a client's messages were answered as of a moment; None if there are none.

    Time runs in the client's office hours only. The times are read off the Kaplan-Meier curve (1958,
    doi:10.1080/01621459.1958.10501452): a message without an answer has waited at least until now. Medians over
    answered messages alone are far too rosy, since the slow ones are not among them yet. The range of the rate is
    Wilson's (1927, doi:10.1080/01621459.1927.10502953), that of the median Brookmeyer
    and Crowley's (1982, doi:10.2307/2530286) on a log-log band.

    Args:
        messages: Messages that needed an answer, written by `now`.
        client: Whose office hours count.
        now: What was answered later is not answered yet.
    """
    if not messages:
        return None
    answered = np.array([each.answered_at is not None and each.answered_at <= now for each in messages])
    waited = np.array(
        [
            # A platform's clock and an author's may differ: nobody is answered before having written.
            open_time(client, each.written_at, min(each.answered_at or now, now)).total_seconds()
            for each in messages
        ]
    )
    curve = stats.ecdf(stats.CensoredData(uncensored=waited[answered], right=waited[~answered])).cdf
    with warnings.catch_warnings():  # where nobody, or everybody, has an answer there is no band, and it says so
        warnings.simplefilter("ignore", RuntimeWarning)
        band = curve.confidence_interval(_COVERAGE, method="log-log")
    least, most = band.low, band.high
    count = int(answered.sum())
    doubt = stats.binomtest(count, len(messages)).proportion_ci(_COVERAGE, method="wilson")
    return Response(
        received=len(messages),
        answered=count,
        rate=100 * count / len(messages),
        rate_low=100 * float(doubt.low),
        rate_high=100 * float(doubt.high),
        median=_reached(curve, 0.5),
        median_low=_reached(most, 0.5),
        median_high=_reached(least, 0.5),
        slowest_tenth=_reached(curve, 0.9),
        longest_wait=float(waited[~answered].max()) if count < len(messages) else None,
    )


def _reached(curve: Any, share: float) -> float | None:
    """The time by which this share of all had an answer; None if the curve does not come that far."""
    # Sums of binary fractions may miss a half by their last digit.
    reached = curve.quantiles[curve.probabilities >= share - 1e-12]
    return float(reached[0]) if len(reached) else None
