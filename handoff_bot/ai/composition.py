"""Builds the detector, the assistant and the translator: local ones, or OpenAI's with a local
fallback.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from handoff_bot.ai.assistant.knowledge import Knowledge
from handoff_bot.ai.assistant.learning import LocalLearner
from handoff_bot.ai.assistant.local import LocalAssistant
from handoff_bot.ai.detector.local import LocalDetector
from handoff_bot.ports import (
    Assistant,
    Detector,
    FileReader,
    Learner,
    LookUps,
    ModelProbe,
    ModelWatch,
    Rewriter,
    Spending,
    Translator,
)

if TYPE_CHECKING:
    from handoff_bot.ai.language_model import LanguageModel


@dataclass(frozen=True)
class AiServices:
    """Detector, assistant and learner, and with a language model all others."""

    detector: Detector
    assistant: Assistant
    learner: Learner
    translator: Translator | None = None
    rewriter: Rewriter | None = None
    probe: ModelProbe | None = None
    file_reader: FileReader | None = None


@dataclass(frozen=True)
class Asking:
    """Request options of the language model.

    Attributes:
        judge_effort, answer_effort: reasoning effort, "none" to "max", or "default" for the model's
            own.
        judge_seconds, answer_seconds: deadlines.
        query_seconds: deadline of a search query, 0 for none.
        tokens: limit for an answer, including reasoning.
        transcriber: the model that transcribes voice notes.
        transcribe_seconds: its deadline.
    """

    judge_effort: str = "none"
    answer_effort: str = "none"
    judge_seconds: float = 3.0
    answer_seconds: float = 8.0
    query_seconds: float = 2.0
    tokens: int = 1_000
    transcriber: str = "gpt-transcribe"
    transcribe_seconds: float = 20.0


def build_model(
    *,
    api_key: str,
    base_url: str = "",
    model: str = "",
    spending: Spending | None = None,
    watch: ModelWatch | None = None,
    asking: Asking = Asking(),
) -> LanguageModel:
    """Returns the language model with the options for answers."""
    # Imported here, because OpenAI's client takes 40 MB, which deployments without a key should not
    # pay.
    from handoff_bot.ai.language_model import LanguageModel, connect

    return LanguageModel(
        connect(api_key, base_url),
        model,
        spending=spending,
        effort=asking.answer_effort,
        tokens=asking.tokens,
        watch=watch,
    )


def build_probe(model: LanguageModel, asking: Asking = Asking()) -> ModelProbe:
    from handoff_bot.ai.probe import Probe

    return Probe(model, asking.answer_seconds)


def build_ai(
    knowledge_dir: Path,
    *,
    api_key: str = "",
    base_url: str = "",
    model: str = "",
    spending: Spending | None = None,
    watch: ModelWatch | None = None,
    transcriptions: ModelWatch | None = None,
    asking: Asking = Asking(),
    look_ups: LookUps | None = None,
    detector: LocalDetector | None = None,
) -> AiServices:
    """Returns all services; local ones without a key.

    Args:
        detector: the local one, if it is loaded already.

    Raises:
        ModelError: the local model is missing or damaged.
    """
    local_detector = detector or LocalDetector.load()
    knowledge = Knowledge(knowledge_dir, meaning=local_detector.encoder.vectors)
    local_assistant = LocalAssistant(knowledge, local_detector.act_of)
    local_learner = LocalLearner(local_assistant, local_detector)
    if not api_key:
        return AiServices(local_detector, local_assistant, local_learner)
    from handoff_bot.ai.assistant.openai import OpenAIAssistant
    from handoff_bot.ai.detector.openai import OpenAIDetector
    from handoff_bot.ai.file_reading import OpenAIFileReader
    from handoff_bot.ai.language_model import connect
    from handoff_bot.ai.rewriting import OpenAILearner, OpenAIRewriter, OpenAITranslator

    language_model = build_model(
        api_key=api_key,
        base_url=base_url,
        model=model,
        spending=spending,
        watch=watch,
        asking=asking,
    )
    judging = language_model.with_effort(asking.judge_effort)
    seconds = asking.answer_seconds
    return AiServices(
        OpenAIDetector(judging, local_detector, asking.judge_seconds),
        OpenAIAssistant(
            language_model,
            knowledge,
            local_assistant,
            seconds,
            query_seconds=asking.query_seconds,
            look_ups=look_ups,
        ),
        OpenAILearner(language_model, local_learner, seconds),
        OpenAITranslator(language_model, seconds),
        OpenAIRewriter(language_model, seconds),
        build_probe(language_model, asking),
        OpenAIFileReader(
            connect(api_key, base_url),
            asking.transcriber,
            language_model,
            spending,
            seconds=asking.transcribe_seconds,
            picture_seconds=seconds,
            watch=transcriptions,
        ),
    )
