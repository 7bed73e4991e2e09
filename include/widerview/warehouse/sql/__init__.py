"""The warehouse's queries, one file each, as an analyst can read them."""

from functools import cache
from importlib.resources import files


@cache
def sql(name: str) -> str:
    """Give the text of the query in `<name>.sql`."""
    return (files(__name__) / f"{name}.sql").read_text(encoding="utf-8")
