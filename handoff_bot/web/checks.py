"""Health check of the public address: does it lead to this bot?"""

from __future__ import annotations

import requests

from handoff_bot.domain.health_checks import CheckResult

_SECONDS = 5
_LARGEST = 1000
"""Bytes of an answer that are read."""
_WHAT = "public address"


def check_public_address(base_url: str) -> CheckResult:
    """Requests /livez at the public address, as Twilio and Slack would request the webhooks."""
    url = f"{base_url.rstrip('/')}/livez"
    try:
        with requests.get(url, timeout=_SECONDS, allow_redirects=False, stream=True) as answer:
            status, body = answer.status_code, next(answer.iter_content(_LARGEST), b"")
    except requests.exceptions.SSLError:
        return CheckResult(_WHAT, False, f"{url}: the certificate is not valid; renew it")
    except requests.RequestException as error:
        hint = "start the bot, then check DNS, the firewall and the proxy"
        return CheckResult(_WHAT, False, f"{url}: no answer ({type(error).__name__}); {hint}")
    if status in (301, 302, 307, 308):
        hint = "webhooks are not redirected; set PUBLIC_BASE_URL to the final address"
        return CheckResult(_WHAT, False, f"{url} redirects; {hint}")
    if status != 200 or b'"status":"ok"' not in body.replace(b" ", b""):
        hint = "another program answers there; check the proxy's address of the bot"
        return CheckResult(_WHAT, False, f"{url}: status {status}; {hint}")
    return CheckResult(_WHAT, True, f"{base_url} reaches the bot")
