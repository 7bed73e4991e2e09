"""The glossary: a page that explains all cards and all numbers, for an agency to publish on its own website."""

from widerview.report.lessons import CARDS
from widerview.report.render import environment
from widerview.report.voice import voice_of
from widerview.vocabulary.metrics import METRICS


def glossary_page(locale: str) -> str:
    """Render the page in the language of a locale; it loads nothing from elsewhere and runs no script.

    A card's anchor is its id; that of a number is its metric's name, with `number-` before it.
    """
    voice = voice_of(locale)
    page = {
        "voice": voice,
        "cards": [
            {"id": card.id, "title": voice.gettext(card.title), "text": voice.gettext(card.text)} for card in CARDS
        ],
        "metrics": sorted(
            (
                {"id": f"number-{name}", "title": voice.gettext(metric.label), "text": voice.gettext(metric.meaning)}
                for name, metric in METRICS.items()
            ),
            key=lambda each: each["title"].casefold(),
        ),
    }
    return environment(locale).get_template("glossary.html.j2").render(page)
