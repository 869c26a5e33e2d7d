"""What customers read in fixed words is what the files in tests/texts/languages hold, word for word."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from handoff_bot.ai.assistant import phrases
from handoff_bot.domain import texts
from handoff_bot.domain.signals import Act, Priority, Signal
from handoff_bot.domain.texts import LocalizedText, Moment, default, languages, say
from handoff_bot.services.notifications.notifications import Notice, mail_about
from tests.snapshots import check_folder

HERE = Path(__file__).parent
EXAMPLES: tuple[dict[str, Any], ...] = (
    {"agent": "Ana", "wait_minutes": 5, "position": 2, "ticket": 1042},
    {"agent": "Ana", "wait_minutes": 1, "position": 1, "ticket": 7},
)
PHRASES = (
    phrases.UNSURE,
    phrases.RECALLED,
    phrases.GREETING,
    phrases.WELCOME,
    phrases.ANYTHING_ELSE,
    phrases.GOODBYE,
)
UNKNOWN = "xx"
"""No language at all: what is said then."""


LANGUAGES = sorted(
    {path.stem for path in Path(texts.__file__).with_name("locale").glob("*.toml")} | {UNKNOWN}
)


def lines(name: str, text: LocalizedText, language: str) -> Iterator[str]:
    """The text as admins see it, and its plural forms if it is not the English one instead."""
    yield f"{name}: {text.template}"
    if text.language == language:
        others = (each for each in text.forms.items() if each[0] != "other")
        yield from (f"    [{category}] {form}" for category, form in others)


def page(language: str) -> Iterator[str]:
    """Everything in this language, line by line."""
    yield f"# {language}"
    yield "\n## Texts of the product\n"
    for moment in Moment:
        text = default(moment, language)
        filled = dict.fromkeys(say(moment, language, **each) for each in EXAMPLES)
        yield from lines(moment.value, text, language)
        yield from (f"    {each}" for each in filled if each != text.template)
    yield "\n## The assistant\n"
    for phrase in PHRASES:
        said = texts.find("assistant", phrase, language)
        yield from lines(phrase.replace("_", " "), said, language)
    yield from (f"answer to {act.value}: {phrases.pleasantry(act, language)}" for act in answered())
    if texts.speaks(language, "widget"):
        yield "\n## The widget\n"
        for name in list(texts.catalogue(language)["widget"])[1:]:  # without the direction
            yield from lines(name, texts.find("widget", name, language), language)


def answered() -> Iterator[Act]:
    """The small talk that has an answer."""
    yield from (Act.HELLO, Act.THANKS, Act.BYE, Act.ACCEPT, Act.DECLINE)


def test_every_text_in_every_language_is_as_it_was():
    made = {f"{language}.txt": "\n".join(page(language)) + "\n" for language in LANGUAGES}
    check_folder(HERE / "languages", made)


MAILS: dict[str, dict[str, Any]] = {
    "full": {
        "evidence": "I want a person. " * 12,
        "summary": "Order 4711 <b>has not</b> arrived.",
        "waited": timedelta(hours=26, minutes=61),
        "vip": True,
        "link": "https://acme.slack.com/archives/C0QUEUE/p1",
    },
    "bare": {"evidence": "", "summary": "", "waited": timedelta(seconds=10)},
    "one_minute": {"evidence": "Hello?", "summary": "", "waited": timedelta(minutes=1)},
}


def mails() -> dict[str, str]:
    """The mails to the team, as text and as HTML."""
    made = {}
    for name, changes in MAILS.items():
        notice = Notice(12, "Dana R.", "whatsapp", Signal.REQUEST, Priority.URGENT, **changes)
        mail = mail_about(notice, "team@example.com", "id-1", "thread-1")
        made[f"{name}.txt"] = f"Subject: {mail.subject}\n\n{mail.text}"
        made[f"{name}.html"] = mail.html
    return made


def test_mails_to_the_team_are_as_they_were():
    check_folder(HERE / "mails", mails())


@pytest.mark.parametrize("moment", Moment)
def test_no_text_is_empty_in_a_language_that_has_texts(moment):
    assert all(default(moment, language).template.strip() for language in languages())
