"""The templates of the pages that operators and recipients see: HTML, where what strangers wrote is escaped."""

from collections.abc import Callable
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape


def templates(**filters: Callable[..., Any]) -> Environment:
    """Give the environment of the pages' templates, with some filters."""
    environment = Environment(
        loader=PackageLoader("widerview.pipeline"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= filters
    return environment
