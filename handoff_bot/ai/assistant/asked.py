"""A question's content words, and what the glossary says of them in English."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from handoff_bot.ai.assistant import glossary
from handoff_bot.ai.assistant.words import is_generic, stem, telling_words, words_of


@dataclass(frozen=True)
class Asked:
    """A question, prepared for a search.

    Attributes:
        words: content words by their stems.
        senses: English words and phrases by these stems, as far as the glossary knows them.
        english: the question in English words; "" if the glossary knows none of it.
    """

    text: str
    words: Mapping[str, str]
    senses: Mapping[str, Sequence[str]] = field(default_factory=dict)
    english: str = ""

    @classmethod
    def of(cls, text: str, language: str) -> Asked:
        found = glossary.terms(text, language)
        if not any(one.senses for one in found):
            return cls(text, telling_words(text))
        words: dict[str, str] = {}
        senses: dict[str, Sequence[str]] = {}
        for one in found:
            if one.is_content and one.senses:
                senses[phrase(one.text)] = one.senses
                words[phrase(one.text)] = one.text
            elif one.is_content and not is_generic(one.text):
                words |= telling_words(one.text)
        return cls(text, words or telling_words(text), senses, glossary.in_english(found))


def phrase(text: str) -> str:
    """Returns words as they are searched for: the last one by its stem."""
    *words, last = words_of(text) or [""]
    return " ".join([*words, stem(last)])
