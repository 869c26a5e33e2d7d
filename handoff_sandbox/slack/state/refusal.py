"""How Slack says no."""

from __future__ import annotations

from handoff_sandbox.slack.payloads import Json


class Refusal(Exception):
    """An answer with `"ok": false`; `more` are further fields of it."""

    def __init__(self, error: str, **more: object) -> None:
        super().__init__(error)
        self.error = error
        self.answer: Json = {"ok": False, "error": error, **more}


def invalid_arguments(*messages: str) -> Refusal:
    """The refusal of arguments that make no sense."""
    return Refusal("invalid_arguments", response_metadata={"messages": list(messages)})


def invalid_blocks(problems: list[str]) -> Refusal:
    """The refusal of blocks, with what is wrong with them."""
    messages = [f"[ERROR] {problem}" for problem in problems]
    return Refusal("invalid_blocks", errors=problems, response_metadata={"messages": messages})
