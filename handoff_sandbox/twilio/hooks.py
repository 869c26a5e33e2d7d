"""Signs forms and posts them to the bot."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import urlencode
from uuid import uuid4

from handoff_sandbox.twilio.signature import Secrets
from handoff_sandbox.twilio.webhooks import Courier


@dataclass(frozen=True)
class WebhookResult:
    """The bot's answer to a webhook; status 0 for none.

    Attributes:
        message_sid: the id of the message.
        copies: the answers to the other copies of a repeated webhook.
    """

    status: int
    body: str
    message_sid: str
    copies: tuple[WebhookResult, ...] = ()


class Hooks:
    """Posts webhooks of one account.

    Args:
        secrets: sign them.
        courier: delivers them.
    """

    def __init__(self, secrets: Secrets, courier: Courier) -> None:
        self._secrets, self._courier = secrets, courier

    def post(self, url: str, form: Mapping[str, str], times: int = 1) -> WebhookResult:
        """Posts a form with a MessageSid; returns after the answer or the timeout.

        Args:
            times: number of simultaneous copies of this webhook.
        """
        content, headers = urlencode(form).encode(), self._secrets.headers(url, form)
        sid, token = form["MessageSid"], str(uuid4())

        def once(_: int = 0) -> WebhookResult:
            reply = self._courier.post(url, content, headers, token)
            return WebhookResult(reply.status, reply.body, sid)

        if times == 1:
            return once()
        with ThreadPoolExecutor(times) as copies:
            first, *others = copies.map(once, range(times))
        return WebhookResult(first.status, first.body, sid, tuple(others))
