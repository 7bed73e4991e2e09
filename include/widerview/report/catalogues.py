"""The catalogues of the report's words: what there is to translate, and what a catalogue lacks.

`python -m widerview.report.catalogues fr` writes `locale/fr/LC_MESSAGES/report.po`, or brings it up to date: every word
of a mail and of the glossary, to be translated in any PO editor. Nothing has to be compiled.
"""

import re
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

from babel import Locale
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from widerview.report.voice import CATALOGUES
from widerview.sources.registry import SOURCES
from widerview.vocabulary.metrics import METRICS

_HERE = Path(__file__).parent
_METHODS = [("**.py", "python"), ("templates/**.j2", "jinja2.ext:babel_extract")]
_NAMED_IN_WORDS = ("access_log", "drop_folder")  # other sources have the names of their makers
_KEYWORDS = {"_": None, "gettext": None, "say": None, "marked": None, "count": (1, 2)}
_HEAD = """\
msgid ""
msgstr ""
"Language: {language}\\n"
"Plural-Forms: {plurals}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"

"""
_PLACEHOLDER = re.compile(r"%\((\w+)\)s")


def template() -> Catalog:
    """Everything there is to translate: the wording in the code and the templates, and the words of the vocabulary."""
    catalogue = Catalog(fuzzy=False)
    found = extract_from_dir(
        _HERE, _METHODS, keywords=_KEYWORDS, comment_tags=("Translators:",), strip_comment_tags=True
    )
    for filename, _, message, comments, context in sorted(found, key=lambda each: (each[0], each[1])):
        catalogue.add(message, locations=[(filename, 0)], auto_comments=comments, context=context)
    for name in _NAMED_IN_WORDS:
        catalogue.add(SOURCES[name].title, locations=[("sources", 0)])
    for metric in METRICS.values():
        catalogue.add(metric.label, locations=[("vocabulary/metrics.yaml", 0)])
        catalogue.add(metric.meaning, locations=[("vocabulary/metrics.yaml", 0)])
    return catalogue


def read(language: str) -> Catalog:
    """Read the catalogue of a language.

    Raises:
        FileNotFoundError: There is none.
    """
    return read_po(BytesIO(path_of(language).read_bytes()), locale=language)


def faults(catalogue: Catalog) -> Iterator[str]:
    """Say what a catalogue lacks or has wrong, a line each."""
    wanted = template()
    for message in wanted:
        if message.id and (message.id not in catalogue or not all(_texts(catalogue[message.id].string))):
            yield f"not translated: {message.id!r}"
    for message in catalogue:
        if not message.id:
            continue
        if message.id not in wanted:
            yield f"not in any report any more: {message.id!r}"
        elif message.fuzzy:
            yield f"marked as fuzzy, so it is not used: {message.id!r}"
        # A plural may leave the number out, as in "one person"; a gap that nobody fills may not be there.
        known = {gap for text in _texts(message.id) for gap in _PLACEHOLDER.findall(text)}
        for text in filter(None, _texts(message.string)):
            if set(_PLACEHOLDER.findall(text)) != known or text.count("%") != len(_PLACEHOLDER.findall(text)):
                yield f"other gaps than {sorted(known)}: {text!r}"
    for message, errors in catalogue.check():
        yield from (f"{error}: {message.id!r}" for error in errors)


def update(language: str) -> Path:
    """Write a language's catalogue, or bring it up to date; what has been translated stays."""
    path = path_of(language)
    known = read(language) if path.is_file() else Catalog(locale=language)
    catalogue = template()
    for message in catalogue:
        if message.id and message.id in known:
            message.string = known[message.id].string
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(_HEAD.format(language=known.locale, plurals=known.plural_forms).encode())
        write_po(file, catalogue, width=110, include_lineno=False, omit_header=True)
    return path


def _texts(text: Any) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text or ("",))


def path_of(language: str) -> Path:
    """Where the catalogue of a language stands."""
    return CATALOGUES / Locale.parse(language).language / "LC_MESSAGES" / "report.po"


if __name__ == "__main__":
    sys.stdout.write(f"{update(sys.argv[1])}\n")
