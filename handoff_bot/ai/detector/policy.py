"""From four scores to a judgement: thresholds, deciding signal, priority."""

from __future__ import annotations

import re
from collections.abc import Mapping

from handoff_bot.domain.signals import Priority, Signal

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
