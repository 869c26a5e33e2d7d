"""The local detector: a small trained model over the whole conversation. No network, no account."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from handoff_bot.ai.assistant.phrases import robot_language
from handoff_bot.ai.detector import context, judgement, short_messages, text
from handoff_bot.ai.detector.encoder import TextEncoder
from handoff_bot.ai.detector.heads import Floats, any_of_one, lowered, sigmoid_of
from handoff_bot.ai.detector.judgement import about, summary_of, topic_of
from handoff_bot.ai.detector.language import Chances, conversation_language, language_chances
from handoff_bot.ai.detector.messages import Memory, RecentMeanings, Reply, Utterance
from handoff_bot.ai.detector.model import KINDS, SENSITIVITIES, Model, SpeltReply
from handoff_bot.ai.detector.short_messages import QueueTalk
from handoff_bot.domain.conversation_context import ConversationContext
from handoff_bot.domain.detection import Rules, Sensitivity
from handoff_bot.domain.signals import Act, Judgement, QueueAct, Signal, Turn

MODEL = Path(__file__).parent / "model" / "local.npz"
BY = "local"

_TURNS = 24
_EVIDENCE = 200
_SHORT_ANSWER = 0.5
_ASKED = 0.5
_ANNOUNCED = 0.7
_MAYBE_OFFERED, _OFFERED, _SURELY_OFFERED = 0.2, 0.5, 0.8
_WAVED = re.compile(r"\w")
_ASKS = ("?", "\uff1f", "\u061f", ";")
_CERTAIN = 0.98
_PICKED_OTHER = 0.05


_ONE_OR_THE_OTHER = (Signal.REQUEST, Signal.SENTIMENT)

_SPELT_BETTER = frozenset({"ar", "hi", "id", "ru", "sv", "th", "tr", "uk"})
"""Languages whose requests and anger are told better by spelling than by meaning; see "The languages"
in docs/detector.md.
"""
_EASE = 0.4
"""How much is added to these two signals in such a language, in log-odds: they score lower there."""

_MOST_TELLING = (Act.BYE, Act.THANKS, Act.HELLO, Act.ACCEPT)
"""If a message has several kinds, the first of these is answered."""

_MAY_MATTER = 0.2
"""If all signals are below this, a message to an agent counts as calm; see "Speed" in
docs/detector.md.
"""


class LocalDetector:
    """Evaluates with one model's arrays. Thread-safe."""

    def __init__(self, model: Model) -> None:
        model = replace(model, encoder=RecentMeanings(model.encoder))
        self._model = model
        self._utterance: Memory[Utterance] = Memory(model.utterance)
        self._read_closely: Memory[Utterance] = Memory(partial(model.utterance, closely=True))
        self._spelt_reply: Memory[SpeltReply] = Memory(model.spelt_reply)
        self._reply: Memory[Reply] = Memory(
            lambda words: model.reply(words, self._spelt_reply(words))
        )
        self._language: Memory[Chances] = Memory(partial(language_chances, model=model))
        self._stages = {signal: model.stages[signal.value].tolist() for signal in Signal}
        self._queue_talk = QueueTalk.load(model.encoder)

    @classmethod
    def load(cls, path: Path = MODEL) -> LocalDetector:
        """Reads the shipped model, or another one of the same format.

        Raises:
            ModelError: the file is missing or damaged.
        """
        return cls(Model.load(path))

    @property
    def encoder(self) -> TextEncoder:
        """Returns the text encoder, also used by the knowledge base."""
        return self._model.encoder

    def quick_check(self, talk: ConversationContext) -> Judgement:
        """Same as `judge`, which is fast and needs no network."""
        return self.judge(talk)

    def judge(self, talk: ConversationContext) -> Judgement:
        """Evaluates the last customer turn; turns settled by an agent do not count."""
        stretch = _stretch(talk)
        if not stretch:
            return Judgement(scores=dict.fromkeys(Signal, 0.0), by=BY)
        seen = self._scored(stretch, talk.waiting)
        return self._concluded(talk, stretch, seen, self._signals(seen, talk.rules), BY)

    def may_matter(self, words: str) -> bool:
        """Returns whether any signal is possible by spelling."""
        return self._model.by_spelling(words) >= _MAY_MATTER

    def announces(self, words: str) -> bool:
        """Returns whether the assistant's text promises an agent."""
        parts = (words, *text.clauses(words))
        return any(
            self._spelt_reply(part).may_announce(_ANNOUNCED)
            and self._reply(part).announcement >= _ANNOUNCED
            for part in parts
        )

    def about(self, talk: ConversationContext) -> str:
        """Returns what the customer last asked about, as a sentence of a summary; "" without one."""
        return about(topic_of(_spoken(_stretch(talk)), self._utterance))

    def topic(self, said: Sequence[str]) -> str:
        """Returns the newest of a customer's messages that names a subject; "" without one."""
        return topic_of(said, self._utterance)

    def queue_act(self, words: str) -> QueueAct:
        """Returns what a queued customer's message asks for."""
        return self._queue_talk.act_of(words)

    def act_of(self, talk: ConversationContext) -> Act:
        """Returns the kind of small talk of all waiting turns, the last one first; NONE if any has
        other content.
        """
        acts = [self._act(one) for one in talk.each()]
        return Act.NONE if Act.NONE in acts else acts[-1]

    def _act(self, talk: ConversationContext) -> Act:
        """Returns the last turn's kind of small talk, given what it answers.

        A yes or no to our question, except an offer of an agent, is an answer, unless nothing was
        asked.
        """
        stretch = _stretch(talk)
        if not stretch:
            return Act.NONE
        said = stretch[-1].text
        kinds = self._kinds(said)
        if not kinds or stretch[-1].filled or self._utterance(said).request >= _ASKED:
            return Act.NONE
        before = _said_before(talk)
        is_yes = Act.BYE in kinds and self._utterance(said).yes >= _SHORT_ANSWER  # "yes, in august"
        is_short = kinds <= {Act.ACCEPT, Act.DECLINE} or is_yes
        if is_short and self._answers(talk, stretch, kinds):
            return Act.NONE
        if Act.DECLINE in kinds:
            heard = before is not None and (self._offers(before.text) or _asks(before.text))
            # "that's all" declines nothing, so no question is needed; a "no" to an answer objects.
            is_end = self._utterance(said).no < _SHORT_ANSWER or self._follows_small_talk(stretch)
            return Act.DECLINE if heard or is_end or kinds - {Act.DECLINE} else Act.NONE
        if Act.HELLO in kinds and before and not _WAVED.search(said):
            return Act.BYE
        return next(act for act in _MOST_TELLING if act in kinds)

    def _answers(
        self, talk: ConversationContext, stretch: Sequence[Turn], kinds: frozenset[Act]
    ) -> bool:
        """Returns whether a yes or no answers the assistant's own question, such as "Have you paid?"."""
        before = _said_before(talk)
        if before is None or before not in stretch or self._offers(before.text):
            return False
        is_greeted = Act.DECLINE in kinds and self._follows_small_talk(stretch)
        return before.text.rstrip().endswith(_ASKS) and not is_greeted

    def _follows_small_talk(self, stretch: Sequence[Turn]) -> bool:
        """Returns whether the customer's previous turn was small talk, and so was its reply."""
        earlier = [turn.text for turn in stretch[:-1] if turn.role == "customer"]
        return bool(earlier and self._kinds(earlier[-1]))

    def _offers(self, words: str, sure: float = _OFFERED) -> bool:
        return self._reply(words).offer >= sure

    def _kinds(self, words: str) -> frozenset[Act]:
        return self._utterance(words).kinds

    def _accepts(self, stretch: Sequence[Turn]) -> bool:
        """Returns whether the last turn accepts an agent offered right before it."""
        if len(stretch) < 2 or stretch[-2].role == "customer":
            return False
        kinds = self._kinds(stretch[-1].text)
        is_yes = Act.ACCEPT in kinds and not kinds & {Act.DECLINE, Act.BYE}
        return is_yes and self._offers(stretch[-2].text, _SURELY_OFFERED)

    def _picks_offer(self, stretch: Sequence[Turn]) -> bool | None:
        """Returns whether the last turn picks an agent among several offered options; None if it
        picks none of them.
        """
        if len(stretch) < 2 or stretch[-2].role == "customer":
            return None
        said, before = stretch[-1].text, stretch[-2].text
        if short_messages.picked(said) is None or not self._offers(before, _MAYBE_OFFERED):
            return None
        return short_messages.picks_offer(said, before, lambda words: self._reply(words).offer)

    def danger(self, talk: ConversationContext) -> tuple[float, float]:
        """Returns how likely the last turn mentions danger, health, fraud or the law, and the
        threshold, which is infinite if switched off.
        """
        stretch = _stretch(talk)
        found = self._utterance(stretch[-1].text).urgent if stretch else 0.0
        return found, self._danger_threshold(talk.rules)

    def _danger_threshold(self, rules: Rules) -> float:
        wish = rules.triggers.get(Signal.COMPLEXITY, Sensitivity.MEDIUM)
        mentions = self._model.mentions
        if wish is Sensitivity.OFF or mentions is None:
            return math.inf
        return float(mentions.urgent[SENSITIVITIES.index(wish.value)])

    def conclude(self, talk: ConversationContext, scores: judgement.Scores, by: str) -> Judgement:
        """Returns a judgement from four scores of any origin, by this detector's thresholds.

        Requires a customer turn after the last agent's.
        """
        stretch = _stretch(talk)
        return self._concluded(talk, stretch, self._scored(stretch, talk.waiting), scores, by)

    def _concluded(
        self,
        talk: ConversationContext,
        stretch: Sequence[Turn],
        seen: context.Scored,
        scores: judgement.Scores,
        by: str,
    ) -> Judgement:
        said = [turn.text for turn in stretch if turn.role == "customer"]
        thresholds = self._thresholds(talk.rules, declined=seen.declined)
        act = self.act_of(talk)
        picks = self._picks_offer(stretch)
        accepted = bool(picks) or self._accepts(stretch)
        if accepted:
            act, scores = Act.NONE, _raised(scores, Signal.REQUEST)
        elif picks is False and not self._asks(seen.last):
            scores = dict(scores) | {Signal.REQUEST: min(scores[Signal.REQUEST], _PICKED_OTHER)}
        is_urgent = act is Act.NONE and seen.last.urgent >= self._danger_threshold(talk.rules)
        if is_urgent:
            scores = _raised(scores, Signal.COMPLEXITY)
        reason = judgement.tipping(scores, thresholds) if act is Act.NONE else None
        return Judgement(
            scores=dict(scores),
            reason=reason,
            priority=judgement.priority(
                reason,
                scores,
                urgent=is_urgent or (reason is not None and any(map(judgement.is_urgent, said))),
                again=any(self._asks(one) for one in seen.before),
                angry=scores[Signal.SENTIMENT] >= thresholds[Signal.SENTIMENT],
            ),
            evidence=judgement.one_line(_evidence(reason, seen, said[-1]), _EVIDENCE),
            summary=summary_of(said, self._utterance, accepted=accepted),
            language=robot_language(said[-1])
            or conversation_language(_spoken(stretch), _heard(stretch), self._language),
            by=by,
            act=act,
        )

    def _scored(self, stretch: Sequence[Turn], waiting: int) -> context.Scored:
        scored: list[Utterance | Reply] = []
        for turn in stretch:
            scored.append(self._score(turn, scored[-1] if scored else None))
        return context.scored(scored, waiting)

    def _score(self, turn: Turn, before: Utterance | Reply | None) -> Utterance | Reply:
        """For a reply to an offer, the meaning counts, however little its spelling shows."""
        if turn.role != "customer":
            return self._reply(turn.text)
        found = self._utterance(turn.text)
        is_offered = isinstance(before, Reply) and before.offer >= _MAYBE_OFFERED
        return self._read_closely(turn.text) if found.plain and is_offered else found

    def inputs(self, talk: ConversationContext) -> dict[Signal, tuple[float, ...]]:
        """Returns the last layer's inputs by signal; empty if there is nothing to evaluate."""
        stretch = _stretch(talk)
        if not stretch:
            return {}
        return self._inputs(self._scored(stretch, talk.waiting))

    def signals(self, talk: ConversationContext, rules: Rules) -> dict[Signal, float]:
        """Returns the probability of each signal, before offers and small talk are considered; empty if
        there is nothing to evaluate.
        """
        stretch = _stretch(talk)
        return self._signals(self._scored(stretch, talk.waiting), rules) if stretch else {}

    def _inputs(self, seen: context.Scored) -> dict[Signal, tuple[float, ...]]:
        seen = replace(seen, spelt_better=self._spelt_better(seen))
        if context.compares_meanings(seen, self._model.likeness):
            self._model.compare_by_meaning([one.traces for one in seen.utterances])
        return context.signal_features(seen, self._model.likeness)

    def _spelt_better(self, seen: context.Scored) -> float:
        """Returns how likely the last message's language is one that the encoder knows little of."""
        found = self._language(seen.last.traces.words)
        return sum(found.get(code, 0.0) for code in _SPELT_BETTER)

    def score(self, signal: Signal, values: Sequence[float], rules: Rules) -> float:
        """Returns a signal's probability from its inputs."""
        return any_of_one(values, self._weights(signal, rules), KINDS[signal])

    def last_layer(self, signal: Signal, rules: Rules) -> Floats:
        """Returns the weights of a signal's inputs for `any_of`: the team's own, or the shipped ones."""
        return np.array(self._weights(signal, rules))

    def _weights(self, signal: Signal, rules: Rules) -> Sequence[float]:
        taught, shipped = rules.tuning.last_layer.get(signal, ()), self._stages[signal]
        return taught if len(taught) == len(shipped) else shipped

    def thresholds(self, talk: ConversationContext) -> dict[Signal, float]:
        """Returns each signal's threshold in this conversation."""
        stretch = _stretch(talk)
        declined = bool(stretch) and self._scored(stretch, talk.waiting).declined
        return self._thresholds(talk.rules, declined=declined)

    def threshold(self, signal: Signal, rules: Rules, wish: Sensitivity | None = None) -> float:
        """Returns a signal's threshold, 0 to 1; infinite if switched off.

        Args:
            wish: overrides the rules.
        """
        wish = wish or rules.triggers.get(signal, Sensitivity.MEDIUM)
        if wish is Sensitivity.OFF:
            return math.inf
        row = self._model.thresholds[SENSITIVITIES.index(wish.value)]
        shipped = float(row[list(Signal).index(signal)])
        shift = rules.tuning.shifts.get(signal, 0.0)
        return sigmoid_of(math.log(shipped / (1.0 - shipped)) + shift)

    def _signals(self, seen: context.Scored, rules: Rules) -> dict[Signal, float]:
        found = {
            signal: self.score(signal, values, rules)
            for signal, values in self._inputs(seen).items()
        }
        ease = _EASE * self._spelt_better(seen)
        for signal in _ONE_OR_THE_OTHER:
            found[signal] = lowered(found[signal], -ease)
        is_off = Sensitivity.OFF in {rules.triggers.get(signal) for signal in _ONE_OR_THE_OTHER}
        return found if is_off else _of_either(found)

    def _thresholds(self, rules: Rules, *, declined: bool) -> dict[Signal, float]:
        """After a declined offer, weak evidence is not enough; an explicit request still counts."""
        found = {}
        for signal in Signal:
            wish = rules.triggers.get(signal, Sensitivity.MEDIUM)
            strict = declined and signal is not Signal.REQUEST and wish is not Sensitivity.OFF
            found[signal] = self.threshold(signal, rules, Sensitivity.LOW if strict else wish)
        return found

    def _asks(self, one: Utterance) -> bool:
        return one.request >= _ASKED


def _stretch(talk: ConversationContext) -> list[Turn]:
    """Returns the open turns up to the customer's last one, since an agent's last message."""
    found: list[Turn] = []
    for turn in talk.open_turns[-_TURNS:]:
        if turn.role == "agent":
            found.clear()
        else:
            found.append(turn)
    while found and found[-1].role != "customer":
        found.pop()
    return found


def _spoken(stretch: Sequence[Turn]) -> list[str]:
    """Returns the customer's own texts, oldest first."""
    return [turn.text for turn in stretch if turn.role == "customer" and not turn.filled]


def _heard(stretch: Sequence[Turn]) -> list[str]:
    """Returns the assistant's texts, fixed ones too, oldest first."""
    return [turn.text for turn in stretch if turn.role != "customer"]


def _said_before(talk: ConversationContext) -> Turn | None:
    """Returns the message by the assistant or a fixed text right before the last turn, settled or
    not.
    """
    before = talk.turns[-2] if len(talk.turns) > 1 else None
    return before if before is not None and before.role == "assistant" else None


def _of_either(scores: dict[Signal, float]) -> dict[Signal, float]:
    """Returns the scores; the likelier of both kinds has the chance of either.

    The classifiers divide one probability among them, so what is between two kinds, such as "this
    bot is not helping", has little of each.
    """
    likelier = max(_ONE_OR_THE_OTHER, key=lambda signal: scores[signal])
    neither = math.prod(1.0 - scores[signal] for signal in _ONE_OR_THE_OTHER)
    return scores | {likelier: 1.0 - neither}


def _raised(scores: judgement.Scores, signal: Signal) -> judgement.Scores:
    return dict(scores) | {signal: max(scores[signal], _CERTAIN)}


def _asks(words: str) -> bool:
    """Returns whether it ends with a question, or asks one and then says how to answer."""
    return any(one.rstrip().endswith(_ASKS) for one in text.sentences(words)[-2:])


def _evidence(reason: Signal | None, talk: context.Scored, last: str) -> str:
    if reason is None:
        return ""
    if reason is Signal.REQUEST and talk.last.request >= talk.last.yes:
        return talk.last.request_words
    return talk.last.sentiment_words if reason is Signal.SENTIMENT else last
