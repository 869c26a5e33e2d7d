"""Visible translations of the OpenAI stand-in: the original text with the language in front."""

from __future__ import annotations

import json
import re
from typing import Any

from handoff_sandbox.openai import files, shapes
from handoff_sandbox.openai.shapes import Refusal

Json = dict[str, Any]

_LANGUAGE = re.compile(r"\binto ([\w ]+):")
_MESSAGE = re.compile(r"<message>\n(.*)\n</message>", re.DOTALL)


def is_wanted(body: Json) -> bool:
    """Whether a translation is requested."""
    return "translation" in shapes.wanted_by(body).schema.get("properties", {})


def translated(body: Json) -> Json:
    """Returns the message with the target language in front."""
    language = _LANGUAGE.search(" ".join(shapes.words_of(body, "system").split()))
    message = _MESSAGE.search(shapes.words_of(body, "user"))
    words = json.loads(message[1]) if message else ""
    return {"translation": f"[{language[1] if language else 'Translated'}] {words}"}


def nothing_else(body: Json) -> Refusal | None:
    """A script for the stand-in: it only translates and describes pictures, by the defaults."""
    return None if is_wanted(body) or files.described(body) else Refusal()
