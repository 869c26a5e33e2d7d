"""Builds the detector and the assistant: local ones, or OpenAI's with the local ones behind them."""

from __future__ import annotations

from pathlib import Path

from handoff_bot.ai.assistant.knowledge import Knowledge
from handoff_bot.ai.assistant.local import LocalAssistant
from handoff_bot.ai.detector.local import LocalDetector
from handoff_bot.ports import Assistant, Detector, Spending


def build_ai(
    knowledge_dir: Path,
    *,
    api_key: str = "",
    base_url: str = "",
    model: str = "",
    spending: Spending | None = None,
) -> tuple[Detector, Assistant]:
    """Both of them; the local ones without a key.

    Raises:
        ModelError: the local model is missing or broken.
    """
    local_detector = LocalDetector.load()
    knowledge = Knowledge(knowledge_dir, meaning=local_detector.encoder.vectors)
    local_assistant = LocalAssistant(knowledge)
    if not api_key:
        return local_detector, local_assistant
    # Here, because OpenAI's client alone takes 40 MB, which nobody without a key should pay.
    from handoff_bot.ai.assistant.openai import OpenAIAssistant
    from handoff_bot.ai.detector.openai import OpenAIDetector
    from handoff_bot.ai.language_model import LanguageModel, connect

    language_model = LanguageModel(connect(api_key, base_url), model, spending=spending)
    return (
        OpenAIDetector(language_model, local_detector),
        OpenAIAssistant(language_model, knowledge, local_assistant),
    )
