"""Look-ups: read-only HTTP requests that admins define and a language model may make.

A definition is checked when it is saved, and again before each request.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any
from urllib.parse import quote, unquote

from handoff_bot.domain.errors import Malformed
from handoff_bot.domain.web_requests import WebAddress, may_connect

MOST_PARAMETERS, MOST_SHOWN = 5, 12
LONGEST_ARGUMENT = 100
LONGEST_VALUE, LONGEST_RESULT = 200, 2_000
MOST_ITEMS = 10
"""Items shown of a list."""
NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_DOTS = frozenset({".", ".."})
_STEP = re.compile(r"\.?([\w-]+)|\[(\d{1,4}|\*)\]")
_LINE = re.compile(r"\s*([^:=]{1,60}?)\s*[:=]\s*(\S.*?)\s*")


@dataclass(frozen=True)
class Parameter:
    """A named part of the URL; `description` tells the model what belongs there."""

    name: str
    description: str


@dataclass(frozen=True)
class Shown:
    """A part of the answer that is shown, by its path, such as "items[0].status"."""

    label: str
    path: str


@dataclass(frozen=True)
class LookUp:
    """A look-up as an admin defined it.

    Attributes:
        name: the function's name, as `order_status`.
        when: when the model should use it.
        url: a template such as "https://shop.example.com/orders/{number}".
        parameters: those of the template.
        shown: what the model, the agents and the customer get of the answer. Nothing else leaves.
        secret: the name of the signing secret, "" for unsigned requests.
        is_private: True if the host may be in the team's own network.
        is_on: False until an admin switches it on.
    """

    name: str = ""
    when: str = ""
    url: str = ""
    parameters: tuple[Parameter, ...] = ()
    shown: tuple[Shown, ...] = ()
    secret: str = ""
    is_private: bool = False
    is_on: bool = False

    @property
    def schema(self) -> dict[str, Any]:
        """Returns the JSON schema of its parameters, each of which is a text."""
        properties = {
            one.name: {"type": "string", "description": one.description} for one in self.parameters
        }
        return {
            "type": "object",
            "properties": properties,
            "required": list(properties),
            "additionalProperties": False,
        }

    def given(self, held: object) -> dict[str, Any]:
        """Returns a model's arguments as text.

        Raises:
            ValueError: they are not those of the URL, or one may not be sent.
        """
        names = {one.name for one in self.parameters}
        if not isinstance(held, dict) or set(held) != names:
            raise ValueError("other arguments")
        return {name: argument(value) for name, value in held.items()}


@dataclass(frozen=True)
class Token:
    """A bearer token, and the only host that it may be sent to."""

    host: str
    secret: str = field(repr=False)


@dataclass(frozen=True)
class Found:
    """A look-up's result.

    Attributes:
        outcome: "ok", or why there is none; in our own terms.
        text: the shown parts, one per line. Untrusted.
        milliseconds: how long the request took.
    """

    outcome: str
    text: str = ""
    milliseconds: int = 0


class WrongParameters(ValueError):
    """The parameters are not those of the URL; with a message for the admin."""


def parameters(lines: Sequence[str]) -> tuple[Parameter, ...]:
    """Parses lines such as "number: The number of the order".

    Raises:
        ValueError: with a message for the admin.
    """
    found = [_pair(line, "number: The number of the order") for line in lines]
    names = [name for name, _ in found]
    if len(names) > MOST_PARAMETERS or len(set(names)) < len(names):
        raise ValueError(f"At most {MOST_PARAMETERS} parameters, each with its own name.")
    if wrong := next((one for one in names if not NAME.fullmatch(one)), ""):
        raise ValueError(f"“{wrong[:40]}” is not a name. Use lowercase letters, digits and _.")
    return tuple(Parameter(name, text) for name, text in found)


def shown(lines: Sequence[str]) -> tuple[Shown, ...]:
    """Parses lines such as "Status: order.status".

    Raises:
        ValueError: with a message for the admin.
    """
    found = [Shown(*_pair(line, "Status: order.status")) for line in lines]
    if not 0 < len(found) <= MOST_SHOWN:
        raise ValueError(f"Enter 1 to {MOST_SHOWN} lines such as: Status: order.status")
    if wrong := next((one.path for one in found if not _steps(one.path)), ""):
        raise ValueError(f"“{wrong[:60]}” is not a path. Enter a path such as items[0].status.")
    return tuple(found)


def _pair(line: str, example: str) -> tuple[str, str]:
    found = _LINE.fullmatch(line)
    if not found:
        raise ValueError(f"Enter lines such as: {example}")
    return found[1], found[2]


def check(look_up: LookUp, *, allows_loopback: bool = False) -> None:
    """Checks a definition.

    Raises:
        WrongParameters: the parameters are not those of the URL.
        ValueError: the URL is refused, with a message for the admin.
    """
    host = template_of(look_up, allows_loopback=allows_loopback).origin.host
    names = _PLACEHOLDER.findall(look_up.url)
    declared = [one.name for one in look_up.parameters]
    if set(names) != set(declared) or len(set(names)) < len(names):
        raise WrongParameters("List each {parameter} of the URL once, and no others.")
    is_here = allows_loopback and host.strip("[]") in ("127.0.0.1", "::1", "localhost")
    literal = None if is_here else literal_address(host)
    if literal and not may_connect(literal, private=look_up.is_private):
        raise ValueError(f"{host} is not a public address.")


def template_of(look_up: LookUp, *, allows_loopback: bool = False) -> WebAddress:
    """Returns the URL's fixed parts: its host has no parameter, and its path begins after it.

    Raises:
        ValueError: with a message for the admin.
    """
    try:
        # A parameter in the host or in the query's names is no valid spelling of either.
        address = WebAddress.parse(_PLACEHOLDER.sub("0", look_up.url))
        fixed = WebAddress.parse(_PLACEHOLDER.sub("1", look_up.url))
    except Malformed as wrong:
        raise ValueError(
            f"{wrong} Enter one such as https://shop.example.com/orders/{{number}}."
        ) from None
    if address.origin != fixed.origin:
        raise ValueError("The host of the URL must be fixed.")
    is_secure = address.origin.scheme == "https"
    if not is_secure and not (allows_loopback and address.origin.is_loopback):
        raise ValueError("The URL must begin with https://.")
    if "#" in look_up.url or any(_misplaced(look_up.url)):
        raise ValueError(
            "A parameter may be a whole path segment or the value of a query parameter, "
            "as in /orders/{number}?locale={language}."
        )
    if _leaves_segment(address.target.partition("?")[0]):
        raise ValueError("The URL may have no “.” or “..” as a path segment.")
    return address


def _misplaced(url: str) -> Iterator[str]:
    for found in _PLACEHOLDER.finditer(url):
        before, after = url[: found.start()], url[found.end() :]
        in_query = "?" in before
        starts = before.endswith("=") if in_query else before.endswith("/")
        ends = after[:1] in (("", "&") if in_query else ("", "/", "?"))
        if not starts or not ends:
            yield found[0]


def url_for(
    look_up: LookUp, arguments: Mapping[str, Any], *, allows_loopback: bool = False
) -> WebAddress:
    """Returns the URL with these arguments, percent-encoded. The host is always the template's.

    Raises:
        ValueError: an argument is missing or may not be sent.
    """
    check(look_up, allows_loopback=allows_loopback)
    fixed = template_of(look_up, allows_loopback=allows_loopback)

    def encoded(found: re.Match[str]) -> str:
        value = argument(arguments.get(found[1]))
        if "?" not in look_up.url[: found.start()] and _leaves_segment(value):
            raise ValueError("an argument is not one path segment")
        return quote(value, safe="")

    made = WebAddress.parse(_PLACEHOLDER.sub(encoded, look_up.url))
    if made.origin != fixed.origin:
        raise ValueError("an argument changes the host")
    return made


def argument(value: object) -> str:
    """Returns a value that a model gave as text.

    Raises:
        ValueError: no text or number, empty, too long, or with control characters.
    """
    is_plain = isinstance(value, str | int) and not isinstance(value, bool)
    text = str(value).strip() if is_plain else ""
    if not text or len(text) > LONGEST_ARGUMENT or not text.isprintable():
        raise ValueError("an argument is not valid")
    return text


def _leaves_segment(value: str) -> bool:
    """Returns whether a server that decodes the segment again could read another path."""
    for _ in range(3):
        if _DOTS & set(re.split(r"[/\\;]", value.strip())):
            return True
        value = unquote(value)
    return False


def literal_address(host: str) -> IPv4Address | IPv6Address | None:
    """Returns the address that a host name is; None for any other name."""
    try:
        return ip_address(host.strip("[]"))
    except ValueError:
        return None


def result_of(look_up: LookUp, body: str) -> str:
    """Returns the shown parts of a JSON answer, one per line; "" if it has none of them.

    Raises:
        ValueError: no JSON.
    """
    try:
        held = json.loads(body)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    lines = []
    for one in look_up.shown:
        values = [text for value in _at(held, _steps(one.path)) if (text := plain_value(value))]
        if values:
            lines.append(f"{one.label}: {', '.join(values[:MOST_ITEMS])}")
    return "\n".join(lines)[:LONGEST_RESULT]


def _steps(path: str) -> list[str]:
    """Returns the steps of a path; empty if it is not valid."""
    rest = path.removeprefix("$")
    steps = [found[1] or f"[{found[2]}]" for found in _STEP.finditer(rest)]
    return steps if "".join(found[0] for found in _STEP.finditer(rest)) == rest else []


def _at(held: Any, steps: Sequence[str]) -> Iterator[Any]:
    if not steps:
        yield held
        return
    for each in _inner(held, steps[0]):
        yield from _at(each, steps[1:])


def _inner(held: Any, step: str) -> Sequence[Any]:
    if isinstance(held, list):
        if step == "[*]":
            return held[:MOST_ITEMS]
        at = int(step[1:-1]) if step.startswith("[") else -1
        return held[at : at + 1] if at >= 0 else []
    return [held[step]] if isinstance(held, dict) and step in held else []


def plain_value(value: Any) -> str:
    """Returns a plain value in one line; "" for an object or a list."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str | int | float):
        return " ".join(str(value).split())[:LONGEST_VALUE]
    return ""
