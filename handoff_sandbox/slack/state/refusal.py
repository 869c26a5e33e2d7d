"""Slack's error responses."""

from __future__ import annotations

from handoff_sandbox.slack.payloads import Json


class Refusal(Exception):
    """A response with `"ok": false`; `more` are its other fields."""

    def __init__(self, error: str, **more: object) -> None:
        super().__init__(error)
        self.error = error
        self.answer: Json = {"ok": False, "error": error, **more}


def invalid_arguments(*messages: str) -> Refusal:
    """Refuses arguments that are not valid."""
    return Refusal("invalid_arguments", response_metadata={"messages": list(messages)})


def invalid_blocks(problems: list[str]) -> Refusal:
    """Refuses blocks, with the problem."""
    messages = [f"[ERROR] {problem}" for problem in problems]
    return Refusal("invalid_blocks", errors=problems, response_metadata={"messages": messages})
