"""OpenAI's stand-in: Responses, Chat Completions and models, for the unmodified client."""

from handoff_sandbox.openai.shapes import Refusal
from handoff_sandbox.openai.stand_in import OpenAIStandIn, Said, Script

__all__ = ["OpenAIStandIn", "Refusal", "Said", "Script"]
