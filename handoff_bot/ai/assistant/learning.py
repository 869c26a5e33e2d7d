"""Drafts articles from what agents answered, and groups questions that mean the same."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from handoff_bot.ai.assistant.local import LocalAssistant
from handoff_bot.ai.assistant.questions import asks
from handoff_bot.ai.assistant.support import without_foreign_addresses
from handoff_bot.ai.assistant.words import telling_words
from handoff_bot.ai.detector.local import LocalDetector
from handoff_bot.ai.impersonal import impersonal, names_said
from handoff_bot.domain.articles import (
    GAP,
    LONGEST_TEXT,
    LONGEST_TITLE,
    Article,
    Taught,
    Unanswered,
)
from handoff_bot.domain.conversation_context import ConversationContext
from handoff_bot.domain.signals import Act, Turn
from handoff_bot.domain.text import one_line

SAME = 0.85
"""Similarity in meaning from which two questions get one article."""
_ALIKE = 0.6
"""Similarity from which questions are listed together ("do you sell gift cards", "gift vouchers?")."""
_FEWEST_WORDS, _MOST_GAPS = 4, 3
_LONGEST_MESSAGE, _MOST_MESSAGES = 4_000, 50
_SENTENCE = re.compile(r"(?<=[.!?…])\s+|(?<=[。\uff01\uff1f])")
_QUESTION = re.compile(r"[?\uff1f؟;]\s*[\"'”»)]?\Z")
_GREETING = re.compile(
    r"\A\s*(?:hi|hello|hey|dear|good (?:morning|afternoon|evening)|hallo|moin|guten (?:tag|morgen|abend)"
    r"|liebe[r]?|sehr geehrte[r]?|bonjour|bonsoir|hola|buenos días|buenas tardes|ciao|buongiorno|olá|oi"
    r"|bom dia|boa tarde|hej|hei|cześć|dzień dobry|merhaba|dag|goedemorgen|goedemiddag)"
    r"(?!\w)[^,.!\n]{0,40}[,.!\n]\s*",
    re.IGNORECASE,
)
_SIGN_OFF = re.compile(
    r"(?:\A|\n|(?<=[.!?…] ))(?:(?:kind|best|warm) (?:regards|wishes)|best|regards|cheers|sincerely"
    r"|(?:viele|liebe|beste|mit freundlichen) (?:grüße|grüßen)|cordialement|bien à vous|un saludo|saludos"
    r"|cordiali saluti|atenciosamente|abraços|met vriendelijke groet|groetjes|pozdrawiam|hälsningar)"
    r"(?:,|\n|\Z)(?s:.){0,80}\Z",
    re.IGNORECASE,
)
_OF_THIS_CASE = re.compile(
    r"(?:sorry|(?:my |our )?apolog|thank|entschuldig|tut (?:mir|uns) leid|danke|désolé|merci|perd[oó]n"
    r"|lo siento|gracias|scus|grazie|desculp|obrigad|excuses|bedankt|przepraszam|dziękuj|förlåt|tack"
    r"|i(?:'ve|\u2019ve|'ll|\u2019ll| have| just| will| can see| see)"
    r"|we(?:'ve|\u2019ve| have) just|let me|one moment"
    r"|just a (?:moment|second)|ich (?:habe|schaue|prüfe|sehe)|einen moment|moment bitte|j['\u2019]ai"
    r"|je (?:vais|regarde|vois)|un (?:momento|instant|attimo)|he |voy a|veo |ho |vedo |um momento"
    r"|vou |ik (?:heb|ga|kijk|zie)|een moment|et øjeblik|ett ögonblick|chwileczkę)",
    re.IGNORECASE,
)
"""Beginnings of sentences about one customer's case ("I've refunded you") and of courtesies, in common
languages.
"""


class LocalLearner:
    """Drafts from the agents' own words. Thread-safe.

    Args:
        assistant: says which questions the articles answer already.
        detector: knows small talk, topics and meanings.
    """

    def __init__(self, assistant: LocalAssistant, detector: LocalDetector) -> None:
        self._assistant = assistant
        self._detector = detector

    def draft(self, taught: Taught, drafted: Sequence[str] = ()) -> Article | None:
        """Returns a draft without personal data; None if there is nothing to learn.

        Args:
            taught: what was asked and answered.
            drafted: titles of earlier drafts; a similar one is not offered again.
        """
        names = (*taught.names, *(name for said in taught.asked for name in names_said(said)))
        title = self._title(taught.asked, names)
        text = self._text(taught.answered, names)
        if not title or not self._teaches(text):
            return None
        if self._assistant.knows(title, taught.language) or self._is_among(title, drafted):
            return None
        return Article(title, text, taught.language)

    def groups(self, asked: Sequence[Unanswered]) -> list[Unanswered]:
        """Returns one question for those that mean about the same, the most frequent first."""
        cleaned = (
            replace(one, text=self._title([one.text], (*one.names, *names_said(one.text))))
            for one in asked
        )
        open_ones = [
            one for one in cleaned if one.text and not self._assistant.knows(one.text, one.language)
        ]
        vectors = self._detector.encoder.vectors([one.text for one in open_ones])
        found: list[list[int]] = []
        for place in range(len(open_ones)):
            near = [float(vectors[group[0]] @ vectors[place]) for group in found]
            if near and max(near) >= _ALIKE:
                found[near.index(max(near))].append(place)
            else:
                found.append([place])
        shown = (replace(open_ones[group[0]], count=len(group)) for group in found)
        return sorted(shown, key=lambda one: -one.count)

    def _title(self, said: Sequence[str], names: Sequence[str]) -> str:
        topic = self._detector.topic([one[:_LONGEST_MESSAGE] for one in said])
        parts = [part for part in _SENTENCE.split(_GREETING.sub("", topic)) if part.strip()]
        asked = [part for part in parts if asks(part)]
        words = impersonal(" ".join(asked or parts), names)
        bare = without_foreign_addresses(words, "")
        return one_line(bare, LONGEST_TITLE) if telling_words(bare) else ""

    def _text(self, answered: Sequence[str], names: Sequence[str]) -> str:
        kept = (self._paragraphs(one[:_LONGEST_MESSAGE]) for one in answered[:_MOST_MESSAGES])
        text = "\n\n".join(dict.fromkeys(one for one in kept if one))
        return impersonal(text[: 2 * LONGEST_TEXT], names)[:LONGEST_TEXT].strip()

    def _paragraphs(self, message: str) -> str:
        """Returns a message without greeting, sign-off, questions and what is only about this case."""
        bare = _SIGN_OFF.sub("", _GREETING.sub("", message))
        lines = (
            " ".join(one for one in _SENTENCE.split(line) if self._is_general(one))
            for line in bare.splitlines()
        )
        text = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
        return f"{text[:1].upper()}{text[1:]}"

    def _is_general(self, sentence: str) -> bool:
        if not sentence.strip() or _QUESTION.search(sentence):
            return False
        is_small_talk = self._detector.act_of(_said(sentence)) is not Act.NONE
        return not is_small_talk and not _OF_THIS_CASE.match(sentence.strip())

    def _teaches(self, text: str) -> bool:
        return len(telling_words(text)) >= _FEWEST_WORDS and text.count(GAP) <= _MOST_GAPS

    def _is_among(self, title: str, drafted: Sequence[str]) -> bool:
        if not drafted:
            return False
        first, *others = self._detector.encoder.vectors([title, *drafted])
        return any(float(first @ one) >= SAME for one in others)


def _said(text: str) -> ConversationContext:
    return ConversationContext((Turn("customer", text),))
