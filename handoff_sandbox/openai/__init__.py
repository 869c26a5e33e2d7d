"""OpenAI's stand-in: Responses, Chat Completions and models, for the unmodified client."""

from handoff_sandbox.openai.shapes import Called, Refusal
from handoff_sandbox.openai.stand_in import OpenAIStandIn, Said, Script

__all__ = ["Called", "OpenAIStandIn", "Refusal", "Said", "Script"]
