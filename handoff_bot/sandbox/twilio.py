"""A stand-in for Twilio: takes messages, reports deliveries, sends what customers write, keeps files."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import random
import re
import threading
import time
import uuid
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

import requests
from flask import Flask, Response, jsonify, request

from handoff_bot.sandbox.server import Answer, Entry, Faults, Journal, Server, json_answer

STOP = {"stop", "unsubscribe", "end", "quit", "stopall", "revoke", "optout", "cancel"}
START = {"start", "yes", "unstop"}
MAGIC_TO = {
    "+15005550001": 21211,
    "+15005550002": 21612,
    "+15005550003": 21408,
    "+15005550004": 21610,
    "+15005550009": 21614,
}
LONGEST = 1600
WINDOW = timedelta(hours=24)


@dataclass
class Sent:
    """One message that was taken from us."""

    sid: str
    to: str
    sender: str
    body: str
    created: datetime
    callback: str
    status: str = "queued"
    error_code: int | None = None
    service: str | None = None


@dataclass(frozen=True)
class WebhookResult:
    """What the bot answered to a webhook; status 0 when it did not."""

    status: int
    body: str
    message_sid: str


@dataclass
class Callbacks:
    """How delivery reports behave: each value is a probability, `delay` seconds at the most."""

    delay: float = 0.0
    duplicated: float = 0.0
    missing: float = 0.0
    shuffled: float = 0.0
    read: float = 1.0


@dataclass
class TwilioStandIn:
    """One Twilio account on loopback.

    Attributes:
        bot_url: where the bot listens, for webhooks.
        media: id -> content type and content of files that customers have sent.
        shared_key: name and secret to sign webhooks with in the newer scheme, instead of the token.
        public_base_url: the address that signatures are made over and StatusCallbacks begin with.
    """

    account_sid: str
    auth_token: str
    public_base_url: str
    bot_url: str = ""
    api_keys: dict[str, str] = field(default_factory=dict)
    journal: Journal = field(default_factory=Journal)
    faults: Faults = field(default_factory=Faults)
    callbacks: Callbacks = field(default_factory=Callbacks)
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    seed: int = 0
    media: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    shared_key: tuple[str, str] | None = None
    sms_number: str = "+15550100"
    whatsapp_number: str = "whatsapp:+15550101"

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)  # noqa: S311 - draws faults, guards nothing
        self._changed = threading.Condition()
        self._sent: dict[str, Sent] = {}
        self._opted_out: set[tuple[str, str]] = set()
        self._last_inbound: dict[str, datetime] = {}
        self._pending = 0
        self._pool = ThreadPoolExecutor(8, "twilio-callback")
        self._http = requests.Session()
        self._http.trust_env = False
        adapter = requests.adapters.HTTPAdapter(pool_maxsize=64)
        self._http.mount("http://", adapter)
        self.server = Server(
            self._routes(), "twilio", self.journal, self.faults, fault_answer=_fault
        ).start()

    # -- the API

    def _routes(self) -> Flask:
        app = Flask("twilio")
        base = "/2010-04-01/Accounts/<account>"
        app.add_url_rule(f"{base}.json", view_func=self._account, methods=["GET"])
        app.add_url_rule(f"{base}/Messages.json", "create", self._create, methods=["POST"])
        app.add_url_rule(f"{base}/Messages.json", "list", self._list, methods=["GET"])
        app.add_url_rule(f"{base}/Messages/<sid>.json", "fetch", self._fetch, methods=["GET"])
        app.add_url_rule(f"{base}/IncomingPhoneNumbers.json", view_func=self._numbers)
        app.add_url_rule(f"{base}/Messages/<sid>/Media/<media>", view_func=self._media)
        app.add_url_rule("/cdn/<media>", view_func=self._content)
        app.add_url_rule("/v2/Indicators/Typing.json", view_func=self._typing, methods=["POST"])
        app.before_request(self._authorise)
        return app

    def _authorise(self) -> Response | None:
        if request.path.startswith(
            "/cdn/"
        ):  # another host at Twilio; credentials must not get there
            leaked = "Authorization" in request.headers
            return _problem(400, 20001, "Credentials do not belong here.") if leaked else None
        given = request.authorization
        user, password = (given.username, given.password) if given else (None, None)
        known = {self.account_sid: self.auth_token, **self.api_keys}
        if user and password and hmac.compare_digest(known.get(user, ""), password):
            return None
        return _problem(401, 20003, "Authenticate")

    def _account(self, account: str) -> Response:
        return jsonify(sid=account, status="active", friendly_name="Stand-in", type="Full")

    def _numbers(self, account: str) -> Response:
        url = f"{self.public_base_url}/webhooks/sms"
        number = {"sid": "PN" + "0" * 32, "phone_number": self.sms_number, "sms_url": url}
        wanted = request.args.get("PhoneNumber", self.sms_number)
        found = [number] if wanted == self.sms_number else []
        return jsonify(incoming_phone_numbers=found, **_page(request.path, len(found)))

    def _media(self, account: str, sid: str, media: str) -> Response:
        if media not in self.media:
            return _problem(404, 20404, "The requested resource was not found")
        return Response("", 302, headers={"Location": f"{self.server.url}/cdn/{media}"})

    def _content(self, media: str) -> Response:
        kind, content = self.media[media]
        return Response(content, content_type=kind)

    def _typing(self) -> Response:
        return jsonify(success=True)

    def _create(self, account: str) -> Response:
        form = request.form
        to, body = form.get("To", ""), form.get("Body", "")
        sender = form.get("From", "") or self._service_number(form)
        problem = self._refusal(to, sender, body)
        if problem:
            return problem
        with self._changed:
            sent = Sent(
                sid="SM" + uuid.uuid4().hex,
                to=to,
                sender=sender,
                body=body,
                created=self.now(),
                callback=form.get("StatusCallback", ""),
                status="accepted" if form.get("MessagingServiceSid") else "queued",
                service=form.get("MessagingServiceSid"),
            )
            self._sent[sent.sid] = sent
            self._changed.notify_all()
            answer = self._resource(sent)
        self._report(sent)
        response = jsonify(answer)
        response.status_code = 201
        return response

    def _service_number(self, form: Any) -> str:
        return self.sms_number if form.get("MessagingServiceSid") else ""

    def _refusal(self, to: str, sender: str, body: str) -> Response | None:
        if not to:
            return _problem(400, 21604, "A 'To' phone number is required.")
        if not sender:
            return _problem(400, 21603, "A 'From' phone number is required.")
        if not body:
            return _problem(400, 21602, "Message body is required.")
        if len(body) > LONGEST:
            return _problem(400, 21617, "The concatenated message body exceeds the limit.")
        if to in MAGIC_TO:
            return _problem(400, MAGIC_TO[to], "Refused by a magic number.")
        if (to, sender) in self._opted_out:
            return _problem(400, 21610, "Attempt to send to unsubscribed recipient.")
        return None

    def _list(self, account: str) -> Response:
        to, sender = request.args.get("To"), request.args.get("From")
        size = int(request.args.get("PageSize", 50))
        page = int(request.args.get("Page", 0))
        with self._changed:
            found = [
                self._resource(sent)
                for sent in reversed(self._sent.values())
                if to in (None, sent.to) and sender in (None, sent.sender)
            ]
        shown = found[page * size : (page + 1) * size]
        query = {key: value for key, value in request.args.items() if key != "Page"}
        more = len(found) > (page + 1) * size
        following = f"{request.path}?{urlencode(query | {'Page': page + 1})}" if more else None
        return jsonify(messages=shown, **_page(request.path, size, page, following))

    def _fetch(self, account: str, sid: str) -> Response:
        with self._changed:
            sent = self._sent.get(sid)
            if sent is None:
                return _problem(404, 20404, "The requested resource was not found")
            return jsonify(self._resource(sent))

    def _resource(self, sent: Sent) -> dict[str, Any]:
        path = f"/2010-04-01/Accounts/{self.account_sid}/Messages/{sent.sid}"
        at = format_datetime(sent.created)
        return {
            "account_sid": self.account_sid,
            "api_version": "2010-04-01",
            "body": sent.body,
            "date_created": at,
            "date_sent": None if sent.status in ("queued", "accepted") else at,
            "date_updated": at,
            "direction": "outbound-api",
            "error_code": sent.error_code,
            "error_message": None,
            "from": sent.sender,
            "messaging_service_sid": sent.service,
            "num_media": "0",
            "num_segments": "0" if sent.service else "1",
            "price": None,
            "price_unit": "USD",
            "sid": sent.sid,
            "status": sent.status,
            "subresource_uris": {"media": f"{path}/Media.json"},
            "to": sent.to,
            "uri": f"{path}.json",
        }

    # -- delivery reports

    def _report(self, sent: Sent) -> None:
        steps = ["sent", "delivered"]
        if sent.to.startswith("whatsapp:"):
            last = self._last_inbound.get(sent.to)
            if last is None or self.now() - last > WINDOW:
                steps, sent.error_code = ["failed"], 63016
            elif self._random.random() < self.callbacks.read:
                steps.append("read")
        if self._random.random() < self.callbacks.shuffled:
            self._random.shuffle(steps)
        sequence = [
            step
            for step in steps
            for _ in range(2 if self._random.random() < self.callbacks.duplicated else 1)
            if self._random.random() >= self.callbacks.missing
        ]
        delay = self._random.uniform(0, self.callbacks.delay)
        with self._changed:
            self._pending += 1
        self._pool.submit(self._send_reports, sent, sequence, delay)

    def _send_reports(self, sent: Sent, steps: Iterable[str], delay: float) -> None:
        try:
            time.sleep(delay)
            for step in steps:
                with self._changed:
                    sent.status = step
                    self._changed.notify_all()
                if sent.callback:
                    self._call_back(sent, step)
        finally:
            with self._changed:
                self._pending -= 1
                self._changed.notify_all()

    def _call_back(self, sent: Sent, step: str) -> None:
        form = {
            "MessageSid": sent.sid,
            "SmsSid": sent.sid,
            "MessageStatus": step,
            "SmsStatus": step,
            "AccountSid": self.account_sid,
            "ApiVersion": "2010-04-01",
            "From": sent.sender,
            "To": sent.to,
        }
        if sent.to.startswith("whatsapp:"):
            form |= {"ChannelPrefix": "whatsapp", "EventType": step.upper()}
        if step == "failed" and sent.error_code:
            form["ErrorCode"] = str(sent.error_code)
        for _ in range(2):  # Twilio tries once more when there is no connection
            if self._post(sent.callback, form).status:
                return

    # -- what customers do

    def customer_writes(
        self,
        channel: str,
        address: str,
        text: str,
        *,
        profile_name: str = "",
        external_user_id: str = "",
        fields: dict[str, str] | None = None,
        sid: str = "",
    ) -> WebhookResult:
        """A customer sends a message: the complete form, signed, to /webhooks/<channel>."""
        sid = sid or "SM" + uuid.uuid4().hex
        form = self.inbound_form(channel, address, text, sid)
        if channel == "whatsapp":
            form |= self._whatsapp_fields(address, profile_name, external_user_id)
            self._last_inbound[form["From"]] = self.now()
        self._keywords(form, text)
        url = f"{self.public_base_url}/webhooks/{channel}"
        return self._post(url, form | (fields or {}))

    def inbound_form(self, channel: str, address: str, text: str, sid: str) -> dict[str, str]:
        """What Twilio posts when a customer writes, without what is special to a channel."""
        whatsapp = channel == "whatsapp"
        prefix = "whatsapp:" if whatsapp and not address.startswith("whatsapp:") else ""
        form = {
            "MessageSid": sid,
            "SmsSid": sid,
            "SmsMessageSid": sid,
            "AccountSid": self.account_sid,
            "From": f"{prefix}{address}",
            "To": self.whatsapp_number if whatsapp else self.sms_number,
            "Body": text,
            "NumMedia": "0",
            "NumSegments": "1",
            "SmsStatus": "received",
            "ApiVersion": "2010-04-01",
        }
        if not whatsapp:
            form |= {"FromCountry": "US", "FromState": "CA", "ToCountry": "US", "FromZip": ""}
        return form

    def _whatsapp_fields(self, address: str, name: str, user_id: str) -> dict[str, str]:
        digits = re.sub(r"\D", "", address)
        context = {"ProfileName": name, "WaId": digits}
        fields = {
            "ProfileName": name,
            "WaId": digits,
            "MessageType": "text",
            "Forwarded": "false",
            "ReferralNumMedia": "0",
            "ChannelMetadata": json.dumps({"type": "whatsapp", "data": {"context": context}}),
        }
        return fields | ({"ExternalUserId": user_id} if user_id else {})

    def _keywords(self, form: dict[str, str], text: str) -> None:
        pair = (form["From"], form["To"])
        word = text.strip().lower()
        if form["From"].startswith("whatsapp:"):
            return
        if word in STOP:
            self._opted_out.add(pair)
        elif word in START:
            self._opted_out.discard(pair)

    def _post(self, url: str, form: dict[str, str]) -> WebhookResult:
        headers = {"I-Twilio-Idempotency-Token": uuid.uuid4().hex, **self.signed(url, form)}
        local = url.replace(self.public_base_url, self.bot_url, 1)
        parts = urlsplit(local)
        status, body = 0, ""
        try:
            answer = self._http.post(
                local,
                data=form,
                headers=headers,
                timeout=(5, 15),
                allow_redirects=False,
            )
            status, body = answer.status_code, answer.text
        except requests.RequestException:
            pass  # as Twilio: noted in its debugger, here in the journal
        self.journal.add(
            Entry(time.time(), "twilio", "out", "POST", parts.path, form, status, body)
        )
        return WebhookResult(status, body, form["MessageSid"])

    def signed(self, url: str, form: dict[str, str]) -> dict[str, str]:
        """The headers that prove a webhook genuine, in the scheme that is in use."""
        if self.shared_key is None:
            return {"X-Twilio-Signature": sign(self.auth_token, url, form)}
        name, secret = self.shared_key
        return {
            "X-Twilio-Signature": sign(secret, url, form, hashlib.sha256),
            "X-Twilio-Webhooks-Signature-Settings": f"key={name},algorithm=HMAC_SHA256",
        }

    def customer_sends_file(
        self, channel: str, address: str, content: bytes, kind: str
    ) -> WebhookResult:
        """A customer sends a file, which stays here until it is fetched."""
        media = "ME" + uuid.uuid4().hex
        self.media[media] = (kind, content)
        sid = "MM" + uuid.uuid4().hex
        where = f"/2010-04-01/Accounts/{self.account_sid}/Messages/{sid}/Media/{media}"
        fields = {
            "NumMedia": "1",
            "MediaUrl0": f"{self.server.url}{where}",
            "MediaContentType0": kind,
        }
        return self.customer_writes(channel, address, "", fields=fields, sid=sid)

    # -- looking

    def phone(self, address: str) -> list[Sent]:
        """What this customer's phone has been sent, oldest first."""
        with self._changed:
            return [sent for sent in self._sent.values() if sent.to == address]

    def messages(self) -> list[Sent]:
        """All messages that were taken from us, oldest first."""
        with self._changed:
            return list(self._sent.values())

    def wait_for(self, wanted: Callable[[], bool], timeout: float = 10.0) -> None:
        """Until it is so, or TimeoutError."""
        with self._changed:
            if not self._changed.wait_for(wanted, timeout):
                raise TimeoutError("Twilio's stand-in never got there")

    def drain(self, timeout: float = 10.0) -> None:
        """Until all delivery reports have been sent."""
        self.wait_for(lambda: self._pending == 0, timeout)

    def stop(self) -> None:
        """Stop serving and reporting."""
        self.server.stop()
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._http.close()


def sign(
    token: str, url: str, form: dict[str, str], algorithm: Callable[..., Any] = hashlib.sha1
) -> str:
    """Twilio's signature, by the standard library alone."""
    text = url.partition("#")[0] + "".join(f"{key}{form[key]}" for key in sorted(form))
    digest = hmac.new(token.encode(), text.encode(), algorithm).digest()
    return base64.b64encode(digest).decode()


def _fault(status: int) -> Answer:
    """How Twilio words a fault: too many requests, or an error of its own."""
    code = 20429 if status == 429 else 20500
    words = "Too Many Requests" if status == 429 else "Internal Server Error"
    return json_answer(status, {"code": code, "message": words, "more_info": "", "status": status})


def _page(path: str, size: int, page: int = 0, following: str | None = None) -> dict[str, Any]:
    return {
        "uri": path,
        "first_page_uri": f"{path}?Page=0&PageSize={size}",
        "next_page_uri": following,
        "previous_page_uri": None,
        "page": page,
        "page_size": size,
        "start": page * size,
        "end": page * size + size - 1,
    }


def _problem(status: int, code: int, words: str) -> Response:
    more = f"https://www.twilio.com/docs/errors/{code}"
    response = jsonify(code=code, message=words, more_info=more, status=status)
    response.status_code = status
    return response
