"""Addresses on the web that another system named: parsed as the HTTP client parses them, and rebuilt.

Two parsers may read one text as two hosts (`https://evil\\@a.slack.com/`: urllib.parse says a.slack.com,
urllib3 connects to evil). So what is asked for is never the text, but an address made of the parts that
were checked.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urljoin

from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

from handoff_bot.domain.errors import Malformed

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_LONGEST = 4096
"""Characters; the signed addresses of storage services have up to about 2,000."""
_PORTS = {"https": 443, "http": 80}
_UNSEEN_OR_AMBIGUOUS = re.compile(r"[^!-~]|\\")
"""Blanks, controls, everything beyond ASCII, and what is a slash for some readers."""
_BEGINNING = re.compile(r"(https?)://([^/?#]+)", re.IGNORECASE)
_NAME = re.compile(
    r"(?=.{1,253}\Z)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z][a-z0-9-]{0,61}[a-z0-9]"
)
"""A host by name: ASCII labels, the last one no number, no dot at the end."""
_IP = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-f:.]{2,45}\]")
_PATH = re.compile(r"(?:/[^?#]*)?(?:\?[^#]*)?")


@dataclass(frozen=True)
class Origin:
    """Where a client connects to: `host` in small letters, IPv6 in brackets."""

    scheme: str
    host: str
    port: int

    @property
    def is_usual(self) -> bool:
        """Is it reached by https, at the usual port?"""
        return self.scheme == "https" and self.port == _PORTS["https"]

    def is_within(self, *homes: str) -> bool:
        """Is it reached as usual, and is its host one of these or below one of these ("slack.com")?"""
        named = any(self.host == home or self.host.endswith(f".{home}") for home in homes)
        return self.is_usual and named

    @property
    def is_loopback(self) -> bool:
        """Is it this machine itself?"""
        return self.host.strip("[]") in LOOPBACK

    def __str__(self) -> str:
        """As it begins an address."""
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{self.host}{port}"


@dataclass(frozen=True)
class WebAddress:
    """One address. `target` is path and query, as they are sent."""

    origin: Origin
    target: str

    @classmethod
    def parse(cls, text: str) -> WebAddress:
        """The address that this text names.

        Raises:
            Malformed: there is anything in it on which two readers could disagree.
        """
        begins = _BEGINNING.match(text)
        if len(text) > _LONGEST or _UNSEEN_OR_AMBIGUOUS.search(text) or begins is None:
            raise Malformed("This is not a valid web address.")
        try:
            parts = parse_url(text)
        except LocationParseError:
            raise Malformed("This is not a valid web address.") from None
        origin = _origin(begins[1].lower(), parts.host or "", parts.port)
        if begins[2].lower() not in _spellings(origin):
            raise Malformed("The host name of this address is not valid.")
        made = cls(origin, text[begins.end() :].partition("#")[0] or "/")
        if not _PATH.fullmatch(made.target):
            raise Malformed("This is not a valid web address.")
        return made

    def __str__(self) -> str:
        """The text to ask for."""
        return f"{self.origin}{self.target}"


def _origin(scheme: str, host: str, port: int | None) -> Origin:
    lower = host.lower()
    if port == 0 or not (_NAME.fullmatch(lower) or _IP.fullmatch(lower)):
        raise Malformed("The host name of this address is not valid.")
    return Origin(scheme, lower, _PORTS[scheme] if port is None else port)


def _spellings(origin: Origin) -> set[str]:
    """How an address may name it: nobody's name before it, and a port only as it is usually written."""
    spellings = {f"{origin.host}:{origin.port}"}
    if origin.port == _PORTS[origin.scheme]:
        spellings.add(origin.host)
    return spellings


def elsewhere(here: WebAddress, text: str) -> WebAddress:
    """Where a redirect from here leads.

    Raises:
        Malformed: that is not clear.
    """
    if _UNSEEN_OR_AMBIGUOUS.search(text):  # `urljoin` would leave some of it out
        raise Malformed("This is not a valid web address.")
    try:
        return WebAddress.parse(urljoin(str(here), text))
    except ValueError:
        raise Malformed("This is not a valid web address.") from None


def origin_of(text: str) -> Origin:
    """Where an address leads, whatever its path looks like.

    Raises:
        Malformed: it is not clear where.
    """
    begins = _BEGINNING.match(text)
    return WebAddress.parse(begins[0] if begins else text).origin


def is_for_keys(text: str) -> bool:
    """May a key be sent there? By https only, except to a stand-in on this machine."""
    try:
        origin = WebAddress.parse(text).origin
    except Malformed:
        return False
    return origin.scheme == "https" or origin.is_loopback
