"""The texts of the product in every language that has them: language -> text."""

from handoff_bot.ai.assistant import phrases
from handoff_bot.domain import texts
from handoff_bot.domain.texts import Moment, Part


def in_every_language(part: Part, name: str) -> dict[str, str]:
    found = {language: texts.catalogue(language)[part] for language in texts.languages(part)}
    return {language: each[name]["other"] for language, each in found.items() if name in each}


UNSURE = in_every_language("assistant", phrases.UNSURE)
RECALLED = in_every_language("assistant", phrases.RECALLED)
GREETING = in_every_language("assistant", phrases.GREETING)
WELCOME = in_every_language("assistant", phrases.WELCOME)
ANYTHING_ELSE = in_every_language("assistant", phrases.ANYTHING_ELSE)
GOODBYE = in_every_language("assistant", phrases.GOODBYE)
STOPPED = in_every_language("customer", Moment.STOPPED)
RESUMED = in_every_language("customer", Moment.RESUMED)
