"""The warehouse's queries, one file each, as an analyst can read them."""

from functools import cache
from importlib.resources import files

from sqlalchemy import TextClause, text


@cache
def sql(name: str) -> str:
    """Give the text of the query in `<name>.sql`."""
    return (files(__name__) / f"{name}.sql").read_text(encoding="utf-8")


@cache
def query(name: str) -> TextClause:
    """Give the query in `<name>.sql`, ready to be executed."""
    return text(sql(name))
