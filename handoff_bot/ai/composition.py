"""Builds the detector, the assistant and the translator: local ones, or OpenAI's with the local behind."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from handoff_bot.ai.assistant.knowledge import Knowledge
from handoff_bot.ai.assistant.local import LocalAssistant
from handoff_bot.ai.detector.local import LocalDetector
from handoff_bot.ports import Assistant, Detector, Spending, Translator


@dataclass(frozen=True)
class Minds:
    """Who judges, who answers, and who translates (nobody without a language model)."""

    detector: Detector
    assistant: Assistant
    translator: Translator | None = None


def build_ai(
    knowledge_dir: Path,
    *,
    api_key: str = "",
    base_url: str = "",
    model: str = "",
    spending: Spending | None = None,
) -> Minds:
    """All of them; the local ones without a key.

    Raises:
        ModelError: the local model is missing or broken.
    """
    local_detector = LocalDetector.load()
    knowledge = Knowledge(knowledge_dir, meaning=local_detector.encoder.vectors)
    local_assistant = LocalAssistant(knowledge)
    if not api_key:
        return Minds(local_detector, local_assistant)
    # Here, because OpenAI's client alone takes 40 MB, which nobody without a key should pay.
    from handoff_bot.ai.assistant.openai import OpenAIAssistant
    from handoff_bot.ai.detector.openai import OpenAIDetector
    from handoff_bot.ai.language_model import LanguageModel, connect
    from handoff_bot.ai.translating import OpenAITranslator

    language_model = LanguageModel(connect(api_key, base_url), model, spending=spending)
    return Minds(
        OpenAIDetector(language_model, local_detector),
        OpenAIAssistant(language_model, knowledge, local_assistant),
        OpenAITranslator(language_model),
    )
