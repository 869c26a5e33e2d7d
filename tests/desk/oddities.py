"""Odd variants of real payloads: every leaf deleted, replaced or retagged; signed as Slack signs."""

import copy
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import requests

from tests.desk.conftest import Bureau
from tests.slack import payloads

Json = dict[str, Any]
Path = tuple[Any, ...]

GONE = object()
RETAGGED = object()


def deep(levels: int) -> Any:
    """A value that nests so deep."""
    value: Any = "end"
    for _ in range(levels):
        value = [value]
    return value


VALUES: tuple[Any, ...] = (
    GONE,
    None,
    10**30,
    "\ud800",
    [],
    {},
    RETAGGED,
    "",
    -1,
    True,
    "9" * 18,
    [{"value": None}],
    "x\0y",
    1e308,
    {"id": 10**30, "value": {"a": [[]]}},
    "word",
    deep(200),
    "9" * 5000,
)
INNER: tuple[Any, ...] = (
    GONE,
    10**30,
    None,
    "\ud800",
    -(2**70),
    [],
    "nonsense",
    {"a": 1},
    1.5,
    "9" * 400,
    True,
    2**62,
)
"""Values within the JSON that a window carries."""


def leaves(value: Any, path: Path = ()) -> Iterator[Path]:
    """The paths of all leaves and of all that holds some, but for the whole."""
    parts = value.items() if isinstance(value, dict) else enumerate(value)
    for key, part in parts:
        yield (*path, key)
        if isinstance(part, dict | list):
            yield from leaves(part, (*path, key))


def with_(payload: Any, path: Path, value: Any) -> Any:
    """The payload with another value there."""
    made = copy.deepcopy(payload)
    holder = made
    for key in path[:-1]:
        holder = holder[key]
    last = path[-1]
    if value is GONE:
        del holder[last]
    elif value is RETAGGED and isinstance(holder, dict):
        holder[f"{last}_"] = holder.pop(last)
    else:
        holder[last] = "retagged" if value is RETAGGED else value
    return made


def oddities(payload: Json, each: int) -> Iterator[Json]:
    """For each leaf so many of the values, others for the next leaf."""
    for number, path in enumerate(leaves(payload)):
        for step in range(each):
            yield with_(payload, path, VALUES[(number * 5 + step * 7) % len(VALUES)])


def odd_windows(payload: Json) -> Iterator[Json]:
    """Variants of what a window carries."""
    metadata = payload["view"]["private_metadata"]
    for words in ("", "{", "[]", "[" * 5000, "7", '"\\ud800"', "null", "NaN", "9" * 5000):
        yield with_(payload, ("view", "private_metadata"), words)
    if not metadata:
        return
    held = json.loads(metadata)
    for path in leaves(held) if isinstance(held, dict | list) else ():
        for value in INNER:
            made = json.dumps(with_(held, path, value))
            yield with_(payload, ("view", "private_metadata"), made)


def short(payload: Json) -> Json:
    """The payload without the greater part of what it shows, which nothing reads one by one."""
    made: Json = copy.deepcopy(payload)
    for holder in (made.get("message"), made.get("view"), (made.get("event") or {}).get("message")):
        if isinstance(holder, dict) and "blocks" in holder:
            holder["blocks"] = holder["blocks"][:1]
    return made


def send(bureau: Bureau, payload: Json) -> int:
    """Send it, signed; says the status of the answer."""
    return send_raw(bureau, payload).status_code


def send_raw(bureau: Bureau, payload: Json) -> requests.Response:
    """Send it, signed; says the answer."""
    if payload.get("type") == "event_callback" or "event" in payload:
        body, content_type = payloads.as_json(payload)
    elif "command" in payload or "user_id" in payload:
        fields = {k: v if isinstance(v, str) else json.dumps(v) for k, v in payload.items()}
        body = urlencode(fields, errors="surrogatepass")
        content_type = "application/x-www-form-urlencoded"
    else:
        body, content_type = payloads.as_form(payload)
    headers = payloads.signed(body, bureau.slack.signing_secret) | {"Content-Type": content_type}
    return requests.post(bureau.slack.events_url, body.encode(), headers=headers, timeout=30)
