"""Transcriptions and descriptions of the OpenAI stand-in. What it "hears" and "sees" is invented.

It recognizes nothing. A file may say what is in it: an Ogg file by a comment `TRANSCRIPT=…`, a PNG
by a text chunk `Description`. For other files it always answers the same.

The shape of a transcription is that of OpenAI's specification
(https://developers.openai.com/api/reference/resources/audio), not a recorded answer.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from handoff_sandbox.openai import shapes

Json = dict[str, Any]

HEARD = "Hello, I would like to talk to a person, please."
SEEN = "A grey jumper with a hole in the left sleeve, about two centimetres wide."
LARGEST = 25 * 1024 * 1024
FORMATS = ("flac", "m4a", "mp3", "mp4", "mpeg", "mpga", "oga", "ogg", "wav", "webm")
_COMMENT = b"TRANSCRIPT="
_CHUNK = b"tEXtDescription\x00"


@dataclass(frozen=True)
class Upload:
    """A file to transcribe."""

    name: str
    model: str
    data: bytes = field(repr=False)

    @property
    def is_supported(self) -> bool:
        return self.name.rpartition(".")[2].casefold() in FORMATS


def heard_in(upload: Upload) -> str:
    """Returns what a voice note says of itself, or the invented sentence."""
    at = upload.data.find(_COMMENT)
    if at < 4:
        return HEARD
    size = int.from_bytes(upload.data[at - 4 : at], "little")
    return upload.data[at + len(_COMMENT) : at + size].decode("utf-8", "replace")


def transcription(text: str, seconds: float | None) -> Json:
    """Returns the response of `POST /v1/audio/transcriptions`; without a length, without a usage."""
    usage = {} if seconds is None else {"usage": {"type": "duration", "seconds": seconds}}
    return {"text": text, **usage}


def described(body: Json) -> Json | None:
    """A script for the model: describes the picture of a request; None if it has none."""
    is_wanted = "description" in shapes.wanted_by(body).schema.get("properties", {})
    pictures = list(_pictures(body))
    return {"description": _seen_in(pictures[0])} if is_wanted and pictures else None


def _pictures(body: Json) -> Iterator[bytes]:
    asked = body.get("input")
    for item in asked if isinstance(asked, list) else ():
        content = item.get("content")
        for part in content if isinstance(content, list) else ():
            if part.get("type") == "input_image":
                yield base64.b64decode(part["image_url"].partition(",")[2])


def _seen_in(data: bytes) -> str:
    at = data.find(_CHUNK)
    if at < 4:
        return SEEN
    size = int.from_bytes(data[at - 4 : at], "big")
    return data[at + len(_CHUNK) : at + 4 + size].decode("utf-8", "replace")
