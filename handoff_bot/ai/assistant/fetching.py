"""HTTP requests for web pages that an operator has listed, and for nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from time import monotonic

from handoff_bot import __version__
from handoff_bot.ai import safe_requests
from handoff_bot.ai.safe_requests import Address, Limits, RequestError, Response
from handoff_bot.domain.errors import HandoffError
from handoff_bot.domain.networks import may_connect
from handoff_bot.domain.web_addresses import WebAddress, elsewhere

AGENT = "HandoffBot"
_SECONDS = 30.0
TOO_SLOW = "takes longer than half a minute"
_LARGEST = 3_000_000
"""Bytes of a page, unpacked."""
_MOST_REDIRECTS = 4
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_USUAL = (80, 443)
_HEADERS = {
    "User-Agent": f"{AGENT}/{__version__}",
    "Accept": "text/html,application/xml;q=0.9,*/*;q=0.1",
    "Accept-Encoding": "gzip",
}


class FetchError(HandoffError):
    """A page cannot be fetched; the text says why."""


class Fetched(Response):
    """A page's response."""

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "").lower()


class Fetcher:
    """Gets pages of the listed hosts, also after redirects.

    Args:
        listed: addresses that the operator has listed.
        may_contact: decides about an IP address.
    """

    def __init__(
        self, listed: Iterable[str], may_contact: Callable[[Address], bool] = may_connect
    ) -> None:
        origins = [WebAddress.parse(one).origin for one in listed]
        self._allowed = {(one.host, port) for one in origins for port in (*_USUAL, one.port)}
        self._may_contact = may_contact

    def get(
        self,
        url: str,
        headers: Mapping[str, str],
        may_follow: Callable[[str], object] = lambda _url: None,
    ) -> Fetched:
        """Returns the response, after redirects, within half a minute.

        Args:
            may_follow: called with the target of a redirect before it is requested; what it raises
                refuses the target.

        Raises:
            FetchError: no response, a refused host, a redirect from https to http, or too large.
            Malformed: the address is ambiguous.
        """
        address, left = WebAddress.parse(url), _SECONDS
        for _ in range(_MOST_REDIRECTS + 1):
            began = monotonic()
            fetched = self._once(address, headers, left)
            left -= monotonic() - began  # without the time of `may_follow`
            if fetched.status not in _REDIRECTS or "location" not in fetched.headers:
                return fetched
            target = elsewhere(address, fetched.headers["location"])
            if (address.origin.scheme, target.origin.scheme) == ("https", "http"):
                raise FetchError("redirects from https to http")
            may_follow(str(target))
            address = target
        raise FetchError("too many redirects")

    def _once(self, address: WebAddress, headers: Mapping[str, str], left: float) -> Fetched:
        origin = address.origin
        if (origin.host, origin.port) not in self._allowed:
            raise FetchError(f"{origin.host} is not a listed host; add it to KNOWLEDGE_URLS")
        limits = Limits(left, _LARGEST, unpacks=True)
        try:
            found = safe_requests.get(address, {**_HEADERS, **headers}, limits, self._may_contact)
        except RequestError as error:
            reasons = {
                safe_requests.NOT_ALLOWED: f"{origin.host} is not on the public internet",
                safe_requests.TIMEOUT: TOO_SLOW,
                safe_requests.TOO_LARGE: f"larger than {_LARGEST // 1_000_000} MB",
            }
            raise FetchError(reasons.get(error.kind, f"cannot be reached ({error})")) from error
        return Fetched(found.status, found.body, found.headers)
