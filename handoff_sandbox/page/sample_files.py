"""Files that scripted customers send: each says what the stand-in for OpenAI hears or sees in it.

Both are valid: the voice note is one second of silence in Ogg Opus, the picture a grey square.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field

_SILENCE = b"\xf8\xff\xfe"
"""An Opus packet of 20 ms."""
_SECOND = 48_000
_GREY, _SIZE = b"\xa0", 64


@dataclass(frozen=True)
class Attached:
    """A line of a script with a file."""

    text: str
    content_type: str
    name: str
    content: bytes = field(repr=False)

    @property
    def as_media(self) -> tuple[str, bytes, str]:
        """Returns it as Twilio's stand-in takes it."""
        return self.content_type, self.content, self.name


def voice_note(said: str) -> Attached:
    """Returns a voice note in which this is said."""
    vendor, comment = b"sandbox", f"TRANSCRIPT={said}".encode()
    head = b"OpusHead" + struct.pack("<BBHIhB", 1, 1, 0, _SECOND, 0, 0)
    tags = b"OpusTags" + struct.pack("<I", len(vendor)) + vendor
    tags += struct.pack("<II", 1, len(comment)) + comment
    sound = [_SILENCE] * 50
    pages = (_page(2, 0, 0, [head]), _page(0, 0, 1, [tags]), _page(4, _SECOND, 2, sound))
    return Attached("", "audio/ogg", "voice.ogg", b"".join(pages))


def picture(shown: str, text: str = "") -> Attached:
    """Returns a picture that shows this, with a text."""
    header = struct.pack(">IIBBBBB", _SIZE, _SIZE, 8, 0, 0, 0, 0)
    rows = zlib.compress((b"\x00" + _GREY * _SIZE) * _SIZE)
    chunks = (
        (b"IHDR", header),
        (b"tEXt", b"Description\x00" + shown.encode()),
        (b"IDAT", rows),
        (b"IEND", b""),
    )
    content = b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*each) for each in chunks)
    return Attached(text, "image/png", "picture.png", content)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _page(flags: int, granule: int, number: int, packets: list[bytes]) -> bytes:
    """Returns one page of Ogg (RFC 3533); its checksum is taken with the field empty."""
    lacing = b"".join(bytes([255] * (len(one) // 255) + [len(one) % 255]) for one in packets)
    header = struct.pack("<4sBBqIII", b"OggS", 0, flags, granule, 1, number, 0)
    page = header + bytes([len(lacing)]) + lacing + b"".join(packets)
    return page[:22] + struct.pack("<I", _checksum(page)) + page[26:]


def _checksum(data: bytes) -> int:
    """Returns Ogg's CRC-32, which is neither reflected nor inverted, unlike that of zlib."""
    found = 0
    for byte in data:
        found ^= byte << 24
        for _ in range(8):
            found = (found << 1) ^ (0x04C11DB7 if found & 0x80000000 else 0)
        found &= 0xFFFFFFFF
    return found
