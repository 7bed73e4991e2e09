"""A fictional platform that gives nothing; tests derive the one they need."""

from collections.abc import Iterator

from widerview.sources.base import RawPage, Row, Source, Target, Window, Written
from widerview.sources.http import HttpClient
from widerview.vocabulary.dictionaries import load_dictionary


class Harbour(Source):
    """The platform as all tests know it."""

    name = "harbour"
    title = "Harbour"
    kind = "social"
    reference = Written("a handle", "[a-z]+", "anna")
    api_version = "1"
    evidence = ("vendor document",)
    streams = ("account", "days")
    lookback_days = 3
    dictionary = load_dictionary(b"source: harbour")

    def fixed_calls(self, *, days: int) -> int:
        return 1

    def base_url(self, target: Target) -> str:
        return "https://harbour.example"

    def fetch(self, target: Target, window: Window, http: HttpClient) -> Iterator[RawPage]:
        yield from ()

    def parse(self, target: Target, page: RawPage) -> Iterator[Row]:
        yield from ()
