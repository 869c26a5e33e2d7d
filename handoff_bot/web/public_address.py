"""Checks the public address: a request to it has to be answered by this bot, with this database."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

import requests
from flask import Blueprint, Response, jsonify
from requests.utils import DEFAULT_CA_BUNDLE_PATH

from handoff_bot.domain.results import CheckResult
from handoff_bot.domain.text import many
from handoff_bot.services.public_address import InstanceProof

_SECONDS = 5
_LARGEST = 1000
"""Bytes of an answer that are read."""
_WHAT = "public address"
_EXPIRES_SOON = 14
"""Days; Let's Encrypt's clients renew 30 days before the end."""
_REDIRECTS = frozenset({301, 302, 303, 307, 308})

Resolve = Callable[[str, int], Sequence[str]]
Expires = Callable[[str, str, int], datetime | None]


def instance_page(proof: InstanceProof) -> Blueprint:
    """Returns the route by which the doctor recognises this bot: 200 for a nonce that it has stored."""
    blueprint = Blueprint("instance", __name__)

    @blueprint.get("/livez/<nonce>")
    def instance(nonce: str) -> tuple[Response, int]:
        is_known = proof.knows(nonce)
        return jsonify(status="ok" if is_known else "unknown"), 200 if is_known else 404

    return blueprint


@dataclass(frozen=True)
class _Answer:
    status: int
    is_ours: bool


def resolved(host: str, port: int) -> Sequence[str]:
    """Returns all addresses of a host.

    Raises:
        OSError: it has none.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(one[4][0]).partition("%")[0] for one in found]


def end_of_certificate(base: str, host: str, port: int) -> datetime | None:
    """Returns when the certificate ends, None if another connection does not show it.

    Requests has verified it, but hides its connection once the server closes it.
    """
    found = requests.Session().merge_environment_settings(base, {}, None, None, None)
    trusted = found["verify"] if isinstance(found["verify"], str) else DEFAULT_CA_BUNDLE_PATH
    try:
        context = ssl.create_default_context(cafile=trusted)
        with (
            socket.create_connection((host, port), timeout=_SECONDS) as connection,
            context.wrap_socket(connection, server_hostname=host) as secured,
        ):
            until = (secured.getpeercert() or {}).get("notAfter")
    except OSError:
        return None
    if not isinstance(until, str):
        return None
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(until), UTC)


def check_public_address(
    base_url: str,
    proof: InstanceProof | None,
    now: datetime,
    resolve: Resolve = resolved,
    expires: Expires = end_of_certificate,
) -> Iterator[CheckResult]:
    """Requests the address as Twilio and Slack do, from this machine. Name look-ups have no deadline.

    Args:
        proof: recognises this bot's own answer; None if the database does not respond.
    """
    base = base_url.rstrip("/")
    address = urlsplit(base)
    host, port = address.hostname or "", address.port or (443 if address.scheme == "https" else 80)
    try:
        found = resolve(host, port)
    except (OSError, UnicodeError):  # IDNA refuses empty labels and labels over 63 characters
        words = f"{host} has no address; create a DNS record (A or AAAA) that names this machine"
        yield CheckResult(_WHAT, False, words)
        return
    nonce = proof.ask() if proof else ""
    try:
        answer = _asked(f"{base}/livez/{nonce}" if nonce else f"{base}/livez")
        is_other = bool(nonce) and not answer.is_ours and _asked(f"{base}/livez").is_ours
    except requests.RequestException as error:
        yield CheckResult(_WHAT, False, f"{base}: {_no_answer(error)}")
        return
    yield _told(base, answer, is_other=is_other, is_proven=bool(nonce), hint=_hint(address, found))
    if address.scheme == "https":
        yield from _certificate(expires(base, host, port), now)


def _asked(url: str) -> _Answer:
    """Sends one request, without following redirects. Nothing of the body is kept."""
    with requests.get(url, timeout=_SECONDS, allow_redirects=False, stream=True) as answer:
        body = next(answer.iter_content(_LARGEST), b"")
        is_ours = answer.status_code == 200 and b'"status":"ok"' in body.replace(b" ", b"")
        return _Answer(answer.status_code, is_ours)


def _no_answer(error: requests.RequestException) -> str:
    if isinstance(error, requests.exceptions.SSLError):
        why = _verify_message(error)
        return f"the certificate is not valid{f' ({why})' if why else ''}; renew or replace it"
    return f"no answer ({type(error).__name__}); start the bot, then check DNS, the firewall and the proxy"


def _verify_message(error: BaseException | None) -> str:
    """Returns OpenSSL's reason, such as "certificate has expired", "" if it gives none."""
    for _ in range(8):  # requests and urllib3 wrap it
        if error is None or isinstance(error, ssl.SSLCertVerificationError):
            break
        reason = getattr(error.args[0], "reason", None) if error.args else None
        error = reason if isinstance(reason, BaseException) else error.__context__
    return str(getattr(error, "verify_message", ""))[:100]


def _hint(address: SplitResult, found: Sequence[str]) -> str:
    """Returns what a request from this machine cannot show."""
    private = [one for one in found if not ip_address(one).is_global]
    if private:
        return (
            f"here the name leads to {private[0]}; from outside it has to lead to a public address"
        )
    if address.scheme != "https":
        return "it is not https, so customers' messages can be read on the way"
    return ""


def _told(base: str, answer: _Answer, *, is_other: bool, is_proven: bool, hint: str) -> CheckResult:
    if answer.status in _REDIRECTS:
        words = (
            "redirects, and webhooks are not redirected; set PUBLIC_BASE_URL to the final address"
        )
        return CheckResult(_WHAT, False, f"{base} {words}")
    if is_other:
        words = (
            "another Handoff answers there, with another database or an older version; check DNS and "
            "the proxy's address of the bot"
        )
        return CheckResult(_WHAT, False, f"{base}: {words}")
    if not answer.is_ours:
        words = "another program answers there; check the proxy's address of the bot"
        return CheckResult(_WHAT, False, f"{base}: status {answer.status}; {words}")
    proven = "this bot, with this database" if is_proven else "a Handoff"
    words = f"{base} leads to {proven}, asked from this machine"
    return CheckResult(_WHAT, True, f"{words}; {hint}" if hint else words)


def _certificate(expires: datetime | None, now: datetime) -> Iterator[CheckResult]:
    if expires is None:
        return
    days = (expires - now).days
    words = f"valid for {many(days, 'more day', 'more days')}"
    if days < _EXPIRES_SOON:
        words += "; renew it, or webhooks and Slack's requests fail"
    yield CheckResult("certificate", days >= _EXPIRES_SOON, words)
