"""From four scores to a judgement: thresholds, deciding signal, priority, and the card's summary."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from handoff_bot.ai.assistant.phrases import without_pleasantries
from handoff_bot.ai.assistant.questions import leans_on_earlier
from handoff_bot.ai.detector import text
from handoff_bot.ai.detector.messages import Utterance
from handoff_bot.domain.signals import Priority, Signal

# -- the judgement

Scores = Mapping[Signal, float]

_FURIOUS = 0.95

# Danger, fraud, the law, health: a list, not a model. It only raises an escalation's priority and
# never starts one, so a false match merely costs an agent a glance.
_URGENT = re.compile(
    r"\b(?:"
    r"fraud\w*|scam\w*|stolen|hacked|identity theft|unauthori[sz]ed|phishing|lawyer|attorney|lawsuit"
    r"|sue you|police|court|legal action|suicid\w*|kill myself|emergency|ambulance|hospital|injur\w+"
    r"|on fire|burn(?:t|ed|ing) me|electric shock|allergic|poison\w*|threat\w*"
    r"|fraude\w*|estafa\w*|rob(?:ado|ada|aron)|abogado|denunci\w+|polic[ií]a|hospital|urgencia\w*"
    r"|golpe|advogado|processar|procon|arnaque\w*|avocat|plainte|escroc\w*|piratée?|vol[ée]e?s"
    r"|betrug|betrüger\w*|anwalt|polizei|gestohlen|gehackt|notfall|krankenhaus|anzeige erstatten"
    r"|truff\w+|avvocato|denuncia\w*|rubat[oa]|polizia|oplicht\w*|advocaat|aangifte|politie|gestolen"
    r"|oszu\w+|prawnik\w*|policj\w+|skradzion\w+|doland.r\w*|avukat\w*|savc.l.\w*"
    r"|мошенни\w*|адвокат\w*|полици\w*|суд|украли|шахра\w*|поліці\w*|penipu\w*|polisi|pengacara"
    r")\b"
    r"|احتيال|محامي|شرطة|धोखा|पुलिस|वकील|詐欺|弁護士|警察|诈骗|骗子|律师|报警"
    r"|사기|변호사|경찰|lừa đảo|โกง|ตำรวจ",
    re.IGNORECASE,
)


def is_urgent(words: str) -> bool:
    """Returns whether the text mentions danger, fraud, the law or health."""
    return _URGENT.search(words) is not None


def tipping(scores: Scores, thresholds: Scores) -> Signal | None:
    """Returns the first signal over its threshold: request, then sentiment, complexity, confidence."""
    return next((signal for signal in Signal if scores[signal] >= thresholds[signal]), None)


def priority(
    reason: Signal | None, scores: Scores, *, urgent: bool, again: bool, angry: bool
) -> Priority:
    """Returns the priority.

    Args:
        reason: the deciding signal, or None.
        scores: all four.
        urgent: True if danger, fraud, the law or health is mentioned.
        again: True if the customer asked for an agent before.
        angry: True if sentiment is over its threshold, whatever the reason.
    """
    if reason is None:
        return Priority.NORMAL
    if urgent or scores[Signal.SENTIMENT] >= _FURIOUS:
        return Priority.URGENT
    if angry or (again and reason is Signal.REQUEST):
        return Priority.HIGH
    return Priority.LOW if reason is Signal.CONFIDENCE else Priority.NORMAL


def one_line(words: str, longest: int) -> str:
    """Returns one line, cut at a word's end with an ellipsis."""
    line = " ".join(words.split())
    if len(line) <= longest:
        return line
    cut = line[: longest - 1]
    return (cut.rsplit(" ", 1)[0] if " " in cut[longest // 2 :] else cut).rstrip(" ,;:-") + "…"


# -- the card's summary without a language model: what the customer wants now, in one line

LONGEST = 140

_ASKS = "Wants to talk to an agent"
_LIKELY = 0.5
_FEW_WORDS, _FEWEST = 8, 2
"""A complaint or a request of at most so many words does not name its subject ("still broken!"),
and a part of at most the second number is none.
"""
_LONGEST_WORD = 10
_FEWEST_LETTERS = 2
_FIRST = re.compile(r"\s*+\w[^.!,\n]{1,30}[.!,\n]++\s*+(?=\w)")

Read = Callable[[str], Utterance]


def summary_of(said: Sequence[str], read: Read, *, accepted: bool) -> str:
    """Returns the escalating message, with the topic before it where it names none itself.

    Args:
        said: the customer's messages since an agent's last one, oldest first. Hostile text.
        read: scores a message.
        accepted: True if the last message accepts the offer of an agent.
    """
    last, earlier = said[-1], topic_of(said[:-1], read)
    if accepted and earlier:
        return earlier
    if _is_idle(last, read) and (not earlier or _is_brief(last)):
        return one_line(f"{_ASKS}. {about(earlier)}" if earlier else f"{_ASKS}: {last}", LONGEST)
    if earlier and (_only_complains(last, read) or not _subject(last, read)):
        return one_line(f"{one_line(last, LONGEST // 2)} · {about(earlier)}", LONGEST)
    return topic_of(said, read) or one_line(last, LONGEST)


def topic_of(said: Sequence[str], read: Read) -> str:
    """Returns the newest message that names a subject, with those it follows up; "" without one."""
    found: list[str] = []
    for words in reversed(said):
        subject = _subject(words, read)
        if not subject or _only_complains(words, read):
            continue
        found.insert(0, subject)
        if not leans_on_earlier(subject):
            break
    return one_line(" ".join(found[-2:]), LONGEST)


def about(topic: str) -> str:
    """Returns the topic as the second sentence of a summary; "" without one."""
    return f"About: {topic}" if topic else ""


def _subject(words: str, read: Read) -> str:
    """Returns the message without a greeting; "" if it is small talk, a short answer or only asks
    for an agent.
    """
    one = read(words)
    is_short_answer = max(one.yes, one.no, one.thanks) >= _LIKELY and _is_brief(words, _FEWEST)
    if one.kinds or is_short_answer or sum(map(str.isalpha, words[:LONGEST])) < _FEWEST_LETTERS:
        return ""
    return "" if _is_idle(words, read) else _without_greeting(words)


def _is_idle(words: str, read: Read) -> bool:
    """Returns whether it only asks for an agent, as a whole and in each part."""
    one = read(words)
    if one.request < _LIKELY:
        return bool(one.kinds)
    parts = text.smallest_clauses(words)
    return all(part in one.asks or _is_brief(part, _FEWEST) for part in parts)


def _without_greeting(words: str) -> str:
    found = _FIRST.match(words)
    if found is None or without_pleasantries(found[0]):
        return words
    return words[found.end() :]


def _only_complains(words: str, read: Read) -> bool:
    one = read(words)
    return max(one.stuck, one.sentiment) >= _LIKELY and _is_brief(words)


def _is_brief(words: str, most: int = _FEW_WORDS) -> bool:
    """Returns whether it has few words, or few characters in a script without spaces."""
    return len(words) <= _LONGEST_WORD * most and len(text.tokens(text.fold(words))) <= most
