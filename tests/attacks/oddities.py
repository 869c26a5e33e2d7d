"""Odd requests: what no honest client sends, from a seed, so that every run tries the same."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator

SEED = 20261129
_SIGNS = [
    *(
        "\x00",
        "\x01",
        "\x1f",
        "\x7f",
        "\x85",
        "\u2028",
        "\u202e",
        "\u200b",
        "\ufeff",
        "\ufffe",
        "\uffff",
    ),
    *(
        "\ud800",
        "\udfff",
        "\U0001f600",
        "\U0010ffff",
        "e\u0301" * 50,
        "字",
        "א",
        "'",
        '"',
        "\\",
        "%00",
    ),
    *(
        "<script>",
        "<!channel>",
        "{{7*7}}",
        "${x}",
        "../../..",
        "=1+1",
        "\r\nX: y",
        "%",
        "&",
        ";",
        "|",
    ),
]
_NUMBERS = ["1e999", "-1e999", "9" * 5000, "-0", "NaN", "Infinity", "1.0", "0x10", "1_000", "٣"]


def texts() -> list[str]:
    """Values that are text, of every odd kind."""
    chance = random.Random(SEED)
    mixed = ["".join(chance.choices(_SIGNS, k=12)) for _ in range(8)]
    return [*_SIGNS, *_NUMBERS, *mixed, "", " ", "x" * 3000, "é" * 3000, "a" * 20_000]


def json_bodies(fields: list[str]) -> Iterator[bytes]:
    """Bodies for a door that takes a JSON object with these fields."""
    values: list[object] = [
        *texts(), None, True, False, 0, -1, 2**63, -(2**63), 2**64, 10**400, 1.5, 1e308, [], {},
        [[]], [{}], {"": None}, ["x"] * 5000, {"x": {"x": {"x": 1}}}, [None], [0], [["x"]],
    ]  # fmt: skip
    for field in fields:
        for value in values:
            yield _dumped({field: value})
            yield _dumped(dict.fromkeys(fields, "x") | {field: value})
        yield f'{{"{field}": "a", "{field}": "b"}}'.encode()
        for number in _NUMBERS:
            yield f'{{"{field}": {number}}}'.encode()
        for escape in (
            "\\ud800",
            "\\udc00\\ud800",
            "\\u0000",
            "\\x00",
            "\\ud800\\u0041",
            "\\u12",
            "\\",
        ):
            yield f'{{"{field}": "{escape}"}}'.encode()
        yield f'{{"{field}": '.encode() + b"[" * 15_000
        yield f'{{"{field}": '.encode() + b"[" * 9000 + b"]" * 9000 + b"}"
        yield b'{"a":' * 5000 + b"1" + b"}" * 5000
    yield from _raw()


def _dumped(value: object) -> bytes:
    return json.dumps(value).encode()


def _raw() -> Iterator[bytes]:
    chance = random.Random(SEED)
    yield from (
        b"",
        b" ",
        b"\x00",
        b"\xff\xfe",
        b"\xef\xbb\xbf{}",
        b"{",
        b"}",
        b"[]",
        b"null",
        b"0",
    )
    yield from (b'"x"', b"{}{}", b"{} x", b"{'a': 1}", b'{"a": 1,}', b"\xc3\x28", b"\xed\xa0\x80")
    yield from (b'{"\xff": 1}', b"{}".decode().encode("utf-16"), b"{}".decode().encode("utf-32"))
    yield b"[" * 32_000
    yield b'{"a":' * 6000
    yield b"9" * 30_000
    yield b'"' + b"\\u0000" * 5000 + b'"'
    for size in (1, 10, 100, 1000, 30_000):
        yield chance.randbytes(size)


def form_bodies(fields: list[str]) -> Iterator[tuple[tuple[str, str], ...]]:
    """Forms with these fields, of which one is odd."""
    for field in fields:
        for value in texts():
            if not any("\ud800" <= sign <= "\udfff" for sign in value):  # a form is UTF-8
                yield ((field, value),)
    yield tuple((f"x{number}", "") for number in range(600))
    yield (("", ""), ("", ""), ("\x00", "\x00"))
    for field in fields:
        yield ((field, "a"), (field, "b"), (field.lower(), "c"))


RAW_FORMS = [
    *(b"", b"&", b"=", b"&&&==&", b"%", b"%zz=%", b"Body=%ff", b"Body=%ed%a0%80", b"\xff=\xfe"),
    *(
        b"Body=%00",
        b"%00=%00",
        b"Body",
        b"Body=a;b",
        b"a" * 200_000,
        b"a&" * 20_000,
        b"{}",
        b"\x00" * 1000,
    ),
]

HEADERS = [
    {"Content-Type": ""},
    {"Content-Type": "\xff\xfe"},
    {"Content-Type": "text/plain"},
    {"Content-Type": "application/json; charset=utf-7"},
    {"Content-Type": "application/json; charset=nonsense"},
    {"Content-Type": "application/x-www-form-urlencoded; charset=utf-16"},
    {"Content-Type": "multipart/form-data"},
    {"Content-Type": "multipart/form-data; boundary=" + "x" * 500},
    {"Content-Type": "a" * 4000},
    {"Content-Type": "/"},
    {"Content-Type": ";;;=;"},
    {"Content-Encoding": "gzip"},
    {"Content-Encoding": "\xff"},
    {"Authorization": "Bearer \xff\xfe"},
    {"Authorization": "Bearer " + "." * 4000},
    {"Authorization": "Bearer .."},
    {"Authorization": "Bearer a.b.c"},
    {"Authorization": "\x80"},
    {"Authorization": "Basic OjpbXQ=="},
    {"Authorization": "Digest username=\xff, nonce"},
    {"Accept": "\xff;q=x"},
    {"Accept-Encoding": ";;q=,\xff"},
    {"Range": "bytes=9-1,,-"},
    {"If-None-Match": '"\xff'},
    {"If-Modified-Since": "\xff"},
    {"Last-Event-ID": "\xff"},
    {"Last-Event-ID": "9" * 3000 + ".1"},
    {"Cookie": "\xff=\xfe; a" + "=" * 500},
    {"X-Forwarded-For": "\xff, , ::1%x, 999.1.1.1"},
    {"X-Twilio-Signature": "\xff"},
    {"X-Twilio-Webhooks-Signature-Settings": "a=b;;=\xff"},
    {"Host": "\xff:x"},
    {"Transfer-Encoding": "x"},
]

QUERIES = [
    *(
        "%",
        "%ff=%fe",
        "a=%00",
        "id=%ff&name=%ed%a0%80",
        "id=" + "9" * 5000,
        "&&==",
        "wait=nan",
        "wait=inf",
    ),
    *(
        "wait=-inf&after=",
        "wait=1e-400",
        "wait=%D9%A3",
        "after=" + "." * 500,
        "after=~~~",
        "after=1.1~%ff",
    ),
    *("oid=%00", "oid=" + "x" * 3000, "oid=a&oid=b", "name=" + "%F0%9F%98%80" * 300, "id=%7B0%7D"),
]
