"""For each channel somebody who speaks as its provider does: authentic requests, and forged ones."""

import json
import uuid
from dataclasses import replace

from handoff_bot.channels import CHANNELS, TWILIO, WEBCHAT, Webchat, Website
from handoff_bot.ports import WebhookRequest
from tests.channels.builders import (
    ACCOUNT,
    ADDRESSES,
    CHAT_URL,
    NEEDED,
    NOTHING,
    URLS,
    inbound_form,
    outbound,
    signed,
    status_form,
    webhook,
)

WEBSITE = Website(
    ("https://shop.example.com",), "website-session-secret-" * 2, "identity-secret-" * 3
)


class Twilio:
    """Twilio, for one of its channels."""

    statuses = ("sent", "delivered", "read")
    secrets = ("current-token", "next-token", "shared-secret", "api-secret")

    def __init__(self, kind):
        self.kind, self.needed = kind, NEEDED[kind]
        self.has_oids = URLS[kind] != CHAT_URL

    def channel(self):
        return TWILIO[self.kind](ACCOUNT)

    def unsigned(self, text="Hello", without=""):
        changes = {without: None} if without else {}
        return webhook(self.kind, inbound_form(self.kind, Body=text, **changes))

    def message(self, text="Hello", without=""):
        return signed(self.unsigned(text, without))

    def report(self, status):
        query = "oid=our-id" if self.has_oids else ""
        return signed(webhook(self.kind, status_form(self.kind, status), query=query))

    def forgeries(self):
        yield self.unsigned()
        yield signed(self.unsigned(), "guessed")
        yield replace(self.message(), form=self.unsigned("other words").form)
        yield webhook(self.kind, ())
        yield signed(webhook(self.kind, inbound_form(self.kind, AccountSid="AC" + "9" * 32)))

    def outbound(self):
        return outbound(self.kind)

    def answers(self, api):
        api.post(URLS[self.kind], json={"sid": "SM1", "status": "queued"}, status=201)
        api.get(URLS[self.kind], json=NOTHING[self.kind])


class Browser:
    """A visitor's browser."""

    kind = WEBCHAT
    needed = ("id", "text")
    statuses = ("delivered", "read")
    has_oids = True
    secrets = (WEBSITE.secret, WEBSITE.identity_secret)

    def __init__(self, kind):
        self._channel = Webchat(WEBSITE)
        self._token = self._channel.sessions.begin().token
        self._id = str(uuid.uuid4())

    def channel(self):
        return self._channel

    def _request(self, path, content, token):
        headers = {"content-type": "application/json"}
        if token is not None:
            headers["authorization"] = f"Bearer {token}"
        body = json.dumps(content).encode()
        return WebhookRequest(f"/chat/{path}", "", headers, body, ())

    def message(self, text="Hello", without="", token=None):
        content = {"id": self._id, "text": text}
        content.pop(without, None)
        return self._request("messages", content, token or self._token)

    def report(self, status):
        return self._request("marks", {status: ["our-id"]}, self._token)

    def forgeries(self):
        yield self._request("messages", {}, None)
        yield self._request("messages", {"id": self._id, "text": "x"}, "")
        yield self.message(token="guessed")
        other = "A" if self._token[-9] != "A" else "B"  # of the last one not every bit counts
        yield self.message(token=self._token[:-9] + other + self._token[-8:])
        yield self.message(token=Webchat(replace(WEBSITE, secret="x" * 40)).sessions.begin().token)
        basic = self.message()
        yield replace(basic, headers=basic.headers | {"authorization": f"Basic {self._token}"})
        yield self._request("marks", {"read": ["our-id"]}, "guessed")
        yield WebhookRequest("/webhooks/webchat", "", {}, b"", ())

    def outbound(self):
        return replace(outbound("sms"), to="visitor:1", sender="")

    def answers(self, api):
        """There is nobody to ask."""


DRIVERS = dict.fromkeys(TWILIO, Twilio) | {WEBCHAT: Browser}
assert set(DRIVERS) == set(CHANNELS)
assert set(ADDRESSES) == set(TWILIO)
