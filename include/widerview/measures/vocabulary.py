"""The vocabulary: every metric, what it means, and whether it may be added up.

Platforms change what a word counts; a metric therefore has a definition version, and no comparison crosses from one
version to another. Which of a platform's fields becomes which metric stands in that platform's source file.
"""

from collections.abc import Iterable
from typing import Literal

import msgspec

Additivity = Literal["flow", "stock", "unique", "ratio"]


class Metric(msgspec.Struct, frozen=True, kw_only=True):
    """One metric.

    Attributes:
        name: Canonical name, as stored in the warehouse.
        label: Name for clients.
        meaning: One plain sentence for clients.
        additivity: `flow` adds up over days and members; `stock` is a level (the last value counts); `unique`
            counts people, who would be counted twice if added; `ratio` is worked out anew from its parts.
        version: Version of the definition.
    """

    name: str
    label: str
    meaning: str
    additivity: Additivity
    version: int = 1

    @property
    def definition(self) -> str:
        """Name and version, as printed in the report's footer."""
        return f"{self.name}@{self.version}"


class NotAddable(ValueError):
    """A sum was asked for that would not mean anything."""


_METRICS = (
    Metric(name="likes", label="Likes", meaning="Likes and favourites on a post.", additivity="flow"),
    Metric(name="reposts", label="Reposts", meaning="How often a post was passed on.", additivity="flow"),
    Metric(name="replies", label="Replies", meaning="Replies people wrote to a post.", additivity="flow"),
    Metric(name="quotes", label="Quotes", meaning="How often a post was passed on with a comment.", additivity="flow"),
    Metric(name="bookmarks", label="Bookmarks", meaning="How often a post was saved for later.", additivity="flow"),
    Metric(name="followers", label="Followers", meaning="Accounts that follow this one.", additivity="stock"),
    Metric(name="following", label="Following", meaning="Accounts this one follows.", additivity="stock"),
    Metric(
        name="posts", label="Posts", meaning="Posts on the account, as the platform counts them.", additivity="stock"
    ),
    Metric(
        name="reactions",
        label="Reactions",
        meaning="Likes, reposts, quotes and replies together.",
        additivity="flow",
    ),
    Metric(
        name="reactions_per_post",
        label="Reactions per post",
        meaning="Likes, reposts, quotes and replies together, divided by the week's posts.",
        additivity="ratio",
    ),
    Metric(
        name="replies_received",
        label="Replies received",
        meaning="Replies to the week's posts; platforms count your own next posts in a thread among them.",
        additivity="flow",
    ),
    Metric(
        name="passed_on",
        label="Times passed on",
        meaning="How often people shared the week's posts with others.",
        additivity="flow",
    ),
    Metric(name="visits", label="Website visits", meaning="Visits to your website, from anywhere.", additivity="flow"),
    Metric(
        name="social_visits",
        label="Visits from social",
        meaning="Visits that came from a link on a social network.",
        additivity="flow",
    ),
    Metric(
        name="campaign_visits",
        label="Campaign visits",
        meaning="Visits through links, posters and codes that belong to a campaign.",
        additivity="flow",
    ),
    Metric(
        name="unique_visitors",
        label="Visitors",
        meaning="Different browsers seen on a day; the same person may be counted on several days.",
        additivity="unique",
    ),
    Metric(name="actions", label="Page views and actions", meaning="Pages, downloads and searches.", additivity="flow"),
    Metric(name="bounces", label="Bounces", meaning="Visits that saw one page only.", additivity="flow"),
    Metric(
        name="converted_visits",
        label="Visits that reached a goal",
        meaning="Visits in which a goal of the website was reached at least once.",
        additivity="flow",
    ),
)

METRICS = {metric.name: metric for metric in _METRICS}
"""Every metric by its name."""


def total(name: str, values: Iterable[float | None]) -> float | None:
    """Add up the values of a metric; None if none of them is known.

    Raises:
        NotAddable: The metric does not add up (unique visitors, levels, ratios); the message names it.
        KeyError: No such metric.
    """
    metric = METRICS[name]
    if metric.additivity != "flow":
        raise NotAddable(
            f"{name} is a {metric.additivity} and cannot be added up; ask the platform for the whole period instead"
        )
    known = [value for value in values if value is not None]
    return sum(known) if known else None
