r"""URLs from other systems: parsed as the HTTP client parses them, and rebuilt.

Two parsers may read one text as two hosts (`https://evil\@a.slack.com/`: urllib.parse says
a.slack.com, urllib3 connects to evil). So the text itself is never requested, only a URL rebuilt
from the checked parts.
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
"""In characters. Signed URLs of storage services have up to about 2,000."""
_PORTS = {"https": 443, "http": 80}
_UNSEEN_OR_AMBIGUOUS = re.compile(r"[^!-~]|\\")
"""Blanks, control characters, non-ASCII characters, and what some parsers treat as a slash."""
_BEGINNING = re.compile(r"(https?)://([^/?#]+)", re.IGNORECASE)
_NAME = re.compile(
    r"(?=.{1,253}\Z)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z][a-z0-9-]{0,61}[a-z0-9]"
)
"""A host name: ASCII labels, the last one not a number, no trailing dot."""
_IP = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-f:.]{2,45}\]")
_PATH = re.compile(r"(?:/[^?#]*)?(?:\?[^#]*)?")


@dataclass(frozen=True)
class Origin:
    """Where a client connects to; `host` in lowercase, IPv6 in brackets."""

    scheme: str
    host: str
    port: int

    @property
    def is_usual(self) -> bool:
        """Returns whether it uses https on the default port."""
        return self.scheme == "https" and self.port == _PORTS["https"]

    def is_within(self, *homes: str) -> bool:
        """Returns whether it is usual and its host is one of these or a subdomain ("slack.com")."""
        named = any(self.host == home or self.host.endswith(f".{home}") for home in homes)
        return self.is_usual and named

    @property
    def is_loopback(self) -> bool:
        """Returns whether it is this machine."""
        return self.host.strip("[]") in LOOPBACK

    def __str__(self) -> str:
        """Returns the start of a URL."""
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{self.host}{port}"


@dataclass(frozen=True)
class WebAddress:
    """One URL. `target` is path and query as sent."""

    origin: Origin
    target: str

    @classmethod
    def parse(cls, text: str) -> WebAddress:
        """Parses a URL.

        Raises:
            Malformed: parsers could disagree about it.
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
        return f"{self.origin}{self.target}"


def _origin(scheme: str, host: str, port: int | None) -> Origin:
    lower = host.lower()
    if port == 0 or not (_NAME.fullmatch(lower) or _IP.fullmatch(lower)):
        raise Malformed("The host name of this address is not valid.")
    return Origin(scheme, lower, _PORTS[scheme] if port is None else port)


def _spellings(origin: Origin) -> set[str]:
    """Returns the accepted spellings: no user name, and a port only in its usual form."""
    spellings = {f"{origin.host}:{origin.port}"}
    if origin.port == _PORTS[origin.scheme]:
        spellings.add(origin.host)
    return spellings


def elsewhere(here: WebAddress, text: str) -> WebAddress:
    """Returns the target of a redirect.

    Raises:
        Malformed: the target is ambiguous.
    """
    if _UNSEEN_OR_AMBIGUOUS.search(text):  # `urljoin` would drop a part of it
        raise Malformed("This is not a valid web address.")
    try:
        return WebAddress.parse(urljoin(str(here), text))
    except ValueError:
        raise Malformed("This is not a valid web address.") from None


def origin_of(text: str) -> Origin:
    """Returns a URL's origin, with any path.

    Raises:
        Malformed: the origin is ambiguous.
    """
    begins = _BEGINNING.match(text)
    return WebAddress.parse(begins[0] if begins else text).origin


def is_for_keys(text: str) -> bool:
    """Returns whether a key may be sent there: https only, except to this machine."""
    try:
        origin = WebAddress.parse(text).origin
    except Malformed:
        return False
    return origin.scheme == "https" or origin.is_loopback
