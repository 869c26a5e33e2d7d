"""What customers read in fixed words is what the files in tests/texts/languages hold, word for word."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from handoff_bot.ai.assistant import phrases
from handoff_bot.domain.signals import Act, Priority, Signal
from handoff_bot.domain.texts import TEXTS, Moment, say, usual
from handoff_bot.services.notifications.mail_content import Notice, mail_about
from handoff_bot.web import chat
from tests.snapshots import check_folder

HERE = Path(__file__).parent
WIDGET = Path(chat.__file__).parent / "widget" / "texts.js"
EXAMPLES: tuple[dict[str, Any], ...] = (
    {"agent": "Ana", "wait_minutes": 5, "position": 2, "ticket": 1042},
    {"agent": "Ana", "wait_minutes": 1, "position": 1, "ticket": 7},
)
SPOKEN = {
    "unsure": phrases.UNSURE,
    "recalled": phrases.RECALLED,
    "greeting": phrases.GREETING,
    "welcome": phrases.WELCOME,
    "anything else": phrases.ANYTHING_ELSE,
    "goodbye": phrases.GOODBYE,
}
UNKNOWN = "xx"
"""No language at all: what is said then."""


def widget_texts() -> dict[str, dict[str, str]]:
    """Language -> the widget's texts, read from the script as it is served."""
    script = WIDGET.read_text(encoding="utf-8")
    (listed,) = re.findall(r"const KEYS = (\[.*?\]);", script, re.DOTALL)
    keys = json.loads(re.sub(r",(\s*\])", r"\1", listed))
    lines = re.findall(r"^  (\w+): (\[.*\]),$", script, re.MULTILINE)
    assert len(lines) == script.count("\n  ", script.index("const LANGUAGES"), script.index("\n};"))
    return {language: dict(zip(keys, json.loads(texts), strict=True)) for language, texts in lines}


WIDGETS = widget_texts()
LANGUAGES = sorted({*TEXTS, *WIDGETS, *(one for said in SPOKEN.values() for one in said), UNKNOWN})


def page(language: str) -> Iterator[str]:
    """Everything in this language, line by line."""
    yield f"# {language}"
    yield "\n## Texts of the product\n"
    for moment in Moment:
        template = usual(moment, language)
        filled = dict.fromkeys(say(moment, language, **each) for each in EXAMPLES)
        yield f"{moment.value}: {template}"
        yield from (f"    {each}" for each in filled if each != template)
    yield "\n## The assistant\n"
    yield from (f"{name}: {phrases.in_language(said, language)}" for name, said in SPOKEN.items())
    yield from (f"answer to {act.value}: {phrases.pleasantry(act, language)}" for act in answered())
    if language in WIDGETS:
        yield "\n## The widget\n"
        yield from (f"{key}: {text}" for key, text in WIDGETS[language].items())


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
    assert all(usual(moment, language).strip() for language in TEXTS)
