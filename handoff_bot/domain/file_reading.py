"""Voice notes and pictures that a language model may read: types, limits, and how long they are.

What was read is stored with the file in `Message.media`, under one of the names of `Reading`.
"""

from __future__ import annotations

from enum import StrEnum

from handoff_bot.domain.errors import Unacceptable
from handoff_bot.domain.files import MB, File, kind_of, size_in_words
from handoff_bot.domain.text import duration


class Reading(StrEnum):
    """What is known of a file, as its key in `Message.media`.

    `TRANSCRIPT` and `DESCRIPTION` are hostile like the customer's text. `UNREAD` is our sentence that
    says why there is neither.
    """

    TRANSCRIPT = "transcript"
    DESCRIPTION = "description"
    UNREAD = "unread"


VOICE = frozenset({"audio/ogg", "audio/mpeg", "audio/mp4"})
"""What OpenAI transcribes of the types that customers can send. AMR, 3GPP and AAC are not among them:
https://developers.openai.com/api/docs/guides/speech-to-text.
"""
PICTURES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
"""What OpenAI sees: https://developers.openai.com/api/docs/guides/images-vision."""
MOST_READ = 3
"""Files read of one message."""
LARGEST_VOICE, LARGEST_PICTURE = 5 * MB, 5 * MB
LONGEST_VOICE = 600
"""Seconds of a voice note."""
LONGEST_TEXT = 4_000
"""Characters kept of a transcript or a description."""

_OPUS_RATE = 48_000  # granule positions count in it, whatever the recording's own rate is
_SLOWEST = 2_000  # bytes per second of a voice note at 16 kbit/s, so that others count as longer
_FASTEST = 8_000  # bytes per second of speech in Opus at 64 kbit/s, more than any app sends


def is_voice(content_type: str) -> bool:
    return kind_of(content_type) in VOICE


def is_seen(content_type: str) -> bool:
    return kind_of(content_type) in PICTURES


def check(file: File) -> None:
    """Checks type, size and length of an examined file.

    Raises:
        Unacceptable: it is not given to a language model; with the reason.
    """
    largest = LARGEST_VOICE if file.content_type in VOICE else LARGEST_PICTURE
    if file.content_type not in VOICE | PICTURES:
        raise Unacceptable("The language model does not take this type of file.")
    if len(file.data) > largest:
        raise Unacceptable(f"The file is larger than {size_in_words(largest)}.")
    # An estimate refuses nothing: an M4A of two minutes has as many bytes as an Ogg of ten.
    if file.content_type in VOICE and (_exact_seconds(file) or 0.0) > LONGEST_VOICE:
        longest = duration(LONGEST_VOICE // 60, "minute")
        raise Unacceptable(f"The voice note is longer than {longest}.")


def seconds_of(file: File) -> float:
    """Returns the length of a voice note in seconds, as it is counted.

    What Ogg Opus says, which WhatsApp sends, but not less than its bytes can hold. For other types,
    an estimate that errs on the high side.
    """
    said = _exact_seconds(file)
    if said is None:
        return len(file.data) / _SLOWEST
    return max(said, len(file.data) / _FASTEST)


def _exact_seconds(file: File) -> float | None:
    """Returns the length that Ogg Opus says; None for other types."""
    page = file.data.rfind(b"OggS")
    if b"OpusHead" not in file.data[:512] or page < 0:
        return None
    return int.from_bytes(file.data[page + 6 : page + 14], "little") / _OPUS_RATE
