"""The local assistant's own phrases by language: doubt, and replies to small talk."""

# ruff: noqa: RUF001

from __future__ import annotations

import re

from handoff_bot.ai.assistant.words import words_of
from handoff_bot.domain import texts
from handoff_bot.domain.signals import Act

UNSURE = "unsure"
RECALLED = "recalled"
GREETING = "greeting"
WELCOME = "welcome"
ANYTHING_ELSE = "anything_else"
GOODBYE = "goodbye"

_PLEASANTRIES = {
    Act.HELLO: GREETING,
    Act.THANKS: WELCOME,
    Act.BYE: GOODBYE,
    Act.ACCEPT: ANYTHING_ELSE,
    Act.DECLINE: ANYTHING_ELSE,
}


_GREETINGS_TEXT = """
hi hello hey hiya good morning afternoon evening there hola buenas buenos dias tardes noches ola
oi bom dia boa tarde noite bonjour bonsoir salut hallo guten tag morgen abend moin ciao salve
buongiorno buonasera goedemorgen goedemiddag goedendag goedenavond hoi dzien dobry czesc merhaba
selam
"""
_GREETINGS = frozenset(_GREETINGS_TEXT.split())
_THANKS_TEXT = """
thanks thank you thx ty so very much a lot many cheers great perfect gracias muchas mil obrigado
obrigada muito merci beaucoup bien danke vielen dank schon sehr grazie mille tante bedankt dank je
u wel dziekuje dzieki bardzo tesekkurler tesekkur ederim
"""
_THANKS = frozenset(_THANKS_TEXT.split())
_AGREED_TEXT = """
ok okay k kk oki alright fine good cool sure vale bueno bien listo beleza certo tabom d accord entendu parfait
gut passt alles klar super va bene perfetto goed prima oke dobrze jasne tamam peki
"""
_AGREED = frozenset(_AGREED_TEXT.split())


def say(phrase: str, language: str, **values: str) -> str:
    """Renders the phrase in that language, or in English."""
    return texts.find("assistant", phrase, language).fill(**values)


def without_pleasantries(text: str) -> list[str]:
    """Returns the text without a leading greeting, thanks or "ok"."""
    words = words_of(text)
    while words and (words[0] in _AGREED or words[0] in _THANKS or words[0] in _GREETINGS):
        words = words[1:]
    return words


_REFUSAL = re.compile(
    r"\W*(?:no|nope|nah|nein|non|n[ãa]o|nee|nej|nie|hayır|нет|ні|όχι)\b"
    r"(?:[\s,]+(?:thanks|thank you|danke|merci|gracias|obrigad[oa]|grazie|bedankt|tack"
    r"|dzięki|dziękuję|спасибо|дякую))?"
    r"[\s,.;:!–—-]+(?=\w)",
    re.IGNORECASE,
)


def after_refusal(text: str) -> str:
    """Returns the text after "no, thanks" to an offer, "" if it does not begin so."""
    found = _REFUSAL.match(text)
    return text[found.end() :] if found else ""


def pleasantry(act: Act, language: str) -> str:
    """Returns the reply to small talk."""
    return say(_PLEASANTRIES[act], language)
