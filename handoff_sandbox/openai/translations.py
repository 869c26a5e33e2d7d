"""How the stand-in for OpenAI translates: visibly, the words as they are with the language before them."""

from __future__ import annotations

import json
import re
from typing import Any

from handoff_sandbox.openai import shapes
from handoff_sandbox.openai.shapes import Refusal

Json = dict[str, Any]

_LANGUAGE = re.compile(r"\binto ([\w ]+):")
_MESSAGE = re.compile(r"<message>\n(.*)\n</message>", re.DOTALL)


def is_wanted(body: Json) -> bool:
    """Is a translation asked for?"""
    return "translation" in shapes.wanted_by(body).schema.get("properties", {})


def translated(body: Json) -> Json:
    """The message, so that a reader sees into which language it was put."""
    language = _LANGUAGE.search(" ".join(shapes.words_of(body, "system").split()))
    message = _MESSAGE.search(shapes.words_of(body, "user"))
    words = json.loads(message[1]) if message else ""
    return {"translation": f"[{language[1] if language else 'Translated'}] {words}"}


def nothing_else(body: Json) -> Refusal | None:
    """As a script of the stand-in: it translates, and leaves all the rest to whoever asks."""
    return None if is_wanted(body) else Refusal()
