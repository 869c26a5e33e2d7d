"""The part of Twilio's REST API that shows how an account is set up; nothing is changed by it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import Flask, Response, jsonify, request

from handoff_sandbox.twilio import shapes
from handoff_sandbox.twilio.account import Account
from handoff_sandbox.twilio.conversations import CHAT_SERVICE
from handoff_sandbox.twilio.refusals import NOT_FOUND, Refusal
from handoff_sandbox.twilio.shapes import Json

_MESSAGING = "https://messaging.twilio.com"
_CONVERSATIONS = "https://conversations.twilio.com"
_MADE = "2026-01-05T09:00:00Z"
PHONE, SENDER = "PN" + "0" * 32, "XE" + "7d" * 16


@dataclass
class Service:
    """A Messaging Service of the console. Without senders it takes no messages.

    Attributes:
        inbound_url: None drops the messages to its senders.
        defers: leaves them to each sender's own webhook.
        numbers: phone numbers in its pool; `senders`: addresses of other channels.
    """

    sid: str
    inbound_url: str | None = None
    inbound_method: str = "POST"
    defers: bool = False
    sticky: bool = True
    numbers: Sequence[str] = ()
    senders: Sequence[str] = ()


@dataclass
class Hooks:
    """Webhooks of Conversations: of one service, or the global ones."""

    post_url: str | None = None
    pre_url: str | None = None
    method: str | None = None
    filters: list[str] | None = None
    target: str = "webhook"


@dataclass
class Setup:
    """What an admin of the account has set in Twilio's console.

    Attributes:
        status, type: of the account; type "Trial" or "Full".
        sms_application_sid: a TwiML App, which overrides the number's webhook.
        sender_status: of the WhatsApp sender, e.g. "ONLINE"; "" for no sender.
        offline_reasons: Twilio's error codes.
        hooks, global_hooks: webhooks of the Conversations service and of the account.
        addresses: `auto_creation` by address.
    """

    services: list[Service]
    hooks: Hooks
    global_hooks: Hooks = field(default_factory=Hooks)
    addresses: dict[str, Json] = field(default_factory=dict)
    status: str = "active"
    type: str = "Full"
    balance: str | None = "20.00"
    sms_application_sid: str = ""
    sms_method: str = "POST"
    sends_sms: bool = True
    sender_status: str = "ONLINE"
    sender_method: str | None = "POST"
    quality_rating: str = "HIGH"
    offline_reasons: Sequence[str] = ()


class SetupApi:
    """The views of one account's settings."""

    def __init__(self, account: Account, setup: Setup) -> None:
        self._account = account
        self._setup = setup

    def put_on(self, app: Flask) -> None:
        """Adds the routes; the app already checks credentials."""
        base, service = shapes.root("<account>"), "/v1/Services/<service>"
        for path, view in (
            (f"{base}.json", self.account),
            (f"{base}/Balance.json", self.balance),
            (f"{base}/IncomingPhoneNumbers.json", self.numbers),
            (f"{base}/IncomingPhoneNumbers/<sid>.json", self.number),
            ("/v1/Services", self.services),
            (service, self.service),
            (f"{service}/PhoneNumbers", self.pool),
            (f"{service}/PhoneNumbers/<sid>", self.pooled),
            (f"{service}/ShortCodes", self.short_codes),
            (f"{service}/ChannelSenders", self.pool_senders),
            (f"{service}/ChannelSenders/<sid>", self.pooled_sender),
            ("/v2/Channels/Senders", self.senders),
            (f"{service}/Configuration/Webhooks", self.hooks),
            ("/v1/Configuration/Webhooks", self.global_hooks),
            ("/v1/Configuration/Addresses", self.addresses),
        ):
            app.add_url_rule(path, f"setup {view.__name__}", view, methods=["GET"])

    # -- the account

    def account(self, account: str) -> Response:
        """Returns the account; its primary token only to requests that sign in with a token."""
        given, setup = request.authorization, self._setup
        shown = {"auth_token": self._account.secrets.auth_token}
        by_token = given is not None and given.username == account
        more = {"status": setup.status, "type": setup.type} | (shown if by_token else {})
        return jsonify(shapes.account(account) | more)

    def balance(self, account: str) -> Response:
        """Returns the account's credit; refused if the account shows none."""
        if self._setup.balance is None:
            raise Refusal(403, 20403, "Forbidden")
        return jsonify(account_sid=account, balance=self._setup.balance, currency="USD")

    # -- numbers

    def numbers(self, account: str) -> Response:
        """Returns the account's numbers, and their webhooks."""
        number = self._account.senders.sms
        is_shown = request.args.get("PhoneNumber", number) == number
        page = shapes.Page(request.path, request.args.to_dict(), 0, 50)
        found = [self._number(account)] if is_shown else []
        return jsonify(page.show("incoming_phone_numbers", found, None))

    def number(self, account: str, sid: str) -> Response:
        """Returns one number."""
        if sid != PHONE:
            raise Refusal(*NOT_FOUND)
        return jsonify(self._number(account))

    def _number(self, account: str) -> Json:
        setup = self._setup
        shown = shapes.phone_number(
            account, self._account.senders.sms, self._account.webhooks["sms"]
        )
        return shown | {
            "sms_application_sid": setup.sms_application_sid or None,
            "sms_method": setup.sms_method,
            "capabilities": {**shown["capabilities"], "sms": setup.sends_sms},
        }

    # -- Messaging Services

    def services(self) -> Response:
        """Returns the Messaging Services."""
        return _listed("services", [self._service(one) for one in self._setup.services])

    def service(self, service: str) -> Response:
        """Returns one Messaging Service."""
        return jsonify(self._service(self._found(service)))

    def pool(self, service: str) -> Response:
        """Returns the numbers of a service."""
        found = self._found(service)
        return _listed("phone_numbers", [self._pooled(found, one) for one in found.numbers])

    def pooled(self, service: str, sid: str) -> Response:
        """Returns one number of a service."""
        found = self._found(service)
        if sid != PHONE or self._account.senders.sms not in found.numbers:
            raise Refusal(*NOT_FOUND)
        return jsonify(self._pooled(found, self._account.senders.sms))

    def short_codes(self, service: str) -> Response:
        """Returns the short codes of a service: there are none."""
        self._found(service)
        return _listed("short_codes", [])

    def pool_senders(self, service: str) -> Response:
        """Returns the senders of other channels in a service."""
        found = self._found(service)
        return _listed("senders", [self._pool_sender(found, one) for one in found.senders])

    def pooled_sender(self, service: str, sid: str) -> Response:
        """Returns one sender of another channel."""
        found = self._found(service)
        if sid != SENDER or self._account.senders.whatsapp not in found.senders:
            raise Refusal(*NOT_FOUND)
        return jsonify(self._pool_sender(found, self._account.senders.whatsapp))

    def _found(self, sid: str) -> Service:
        found = next((one for one in self._setup.services if one.sid == sid), None)
        if found is None:
            raise Refusal(*NOT_FOUND)
        return found

    def _service(self, one: Service) -> Json:
        url = f"{_MESSAGING}/v1/Services/{one.sid}"
        parts = ("PhoneNumbers", "ShortCodes", "AlphaSenders", "ChannelSenders")
        return {
            "account_sid": self._account.sid,
            "sid": one.sid,
            "date_created": _MADE,
            "date_updated": _MADE,
            "friendly_name": "Support",
            "inbound_request_url": one.inbound_url,
            "inbound_method": one.inbound_method,
            "fallback_url": None,
            "fallback_method": "POST",
            "status_callback": None,
            "sticky_sender": one.sticky,
            "mms_converter": True,
            "smart_encoding": False,
            "fallback_to_long_code": True,
            "area_code_geomatch": True,
            "validity_period": 36000,
            "scan_message_content": "inherit",
            "synchronous_validation": False,
            "usecase": "notifications",
            "us_app_to_person_registered": False,
            "use_inbound_webhook_on_number": one.defers,
            "links": {part: f"{url}/{part}" for part in parts},
            "url": url,
        }

    def _pooled(self, service: Service, number: str) -> Json:
        url = f"{_MESSAGING}/v1/Services/{service.sid}/PhoneNumbers/{PHONE}"
        return {
            "account_sid": self._account.sid,
            "service_sid": service.sid,
            "sid": PHONE,
            "date_created": _MADE,
            "date_updated": _MADE,
            "phone_number": number,
            "country_code": "US",
            "capabilities": ["SMS", "MMS"],
            "url": url,
        }

    def _pool_sender(self, service: Service, address: str) -> Json:
        url = f"{_MESSAGING}/v1/Services/{service.sid}/ChannelSenders/{SENDER}"
        return {
            "account_sid": self._account.sid,
            "messaging_service_sid": service.sid,
            "sid": SENDER,
            "sender": address,
            "sender_type": "WhatsApp",
            "country_code": "US",
            "date_created": _MADE,
            "date_updated": _MADE,
            "url": url,
        }

    # -- WhatsApp senders

    def senders(self) -> Response:
        """Returns the WhatsApp senders."""
        if request.args.get("Channel") != "whatsapp":
            raise Refusal(400, 20001, "Invalid parameter: Channel")
        return _listed("senders", [self._sender()] if self._setup.sender_status else [])

    def _sender(self) -> Json:
        setup = self._setup
        return {
            "sid": SENDER,
            "status": setup.sender_status,
            "sender_id": self._account.senders.whatsapp,
            "configuration": {"waba_id": "1234567890"},
            "webhook": {
                "callback_url": self._account.webhooks["whatsapp"],
                "callback_method": setup.sender_method,
                "fallback_url": None,
                "fallback_method": None,
                "status_callback_url": None,
                "status_callback_method": None,
            },
            "profile": {"name": "Sandbox"},
            "properties": {
                "quality_rating": setup.quality_rating,
                "messaging_limit": "10K Customers/24hr",
            },
            "offline_reasons": [_reason(code) for code in setup.offline_reasons] or None,
            "compliance": None,
            "url": f"{_MESSAGING}/v2/Channels/Senders/{SENDER}",
        }

    # -- Conversations

    def hooks(self, service: str) -> Response:
        """Returns the webhooks of the Conversations service."""
        if service != CHAT_SERVICE:
            raise Refusal(*NOT_FOUND)
        shown = self._hooks(self._setup.hooks)
        url = f"{_CONVERSATIONS}/v1/Services/{service}/Configuration/Webhooks"
        return jsonify(shown | {"chat_service_sid": service, "url": url})

    def global_hooks(self) -> Response:
        """Returns the webhooks of services without their own."""
        hooks = self._setup.global_hooks
        url = f"{_CONVERSATIONS}/v1/Configuration/Webhooks"
        more = {"method": hooks.method or "POST", "target": hooks.target, "url": url}
        return jsonify(self._hooks(hooks) | more)

    def _hooks(self, hooks: Hooks) -> Json:
        return {
            "account_sid": self._account.sid,
            "pre_webhook_url": hooks.pre_url,
            "post_webhook_url": hooks.post_url,
            "method": hooks.method,
            "filters": hooks.filters,
        }

    def addresses(self) -> Response:
        """Returns the addresses that Conversations knows."""
        return _listed("address_configurations", list(map(self._address, self._setup.addresses)))

    def _address(self, address: str) -> Json:
        sid = "IG" + "8e" * 16
        return {
            "account_sid": self._account.sid,
            "sid": sid,
            "address": address,
            "type": "whatsapp" if address.startswith("whatsapp:") else "sms",
            "friendly_name": "",
            "address_country": "US",
            "auto_creation": self._setup.addresses[address],
            "date_created": _MADE,
            "date_updated": _MADE,
            "url": f"{_CONVERSATIONS}/v1/Configuration/Addresses/{sid}",
        }


def _reason(code: str) -> Json:
    return {"code": code, "message": "", "more_info": f"https://www.twilio.com/docs/errors/{code}"}


def _listed(key: str, items: Sequence[Json]) -> Response:
    """Returns a list as one page."""
    host = _MESSAGING if "Configuration" not in request.path else _CONVERSATIONS
    url = f"{host}{request.path}?PageSize=50&Page=0"
    meta: dict[str, Any] = {
        "page": 0,
        "page_size": 50,
        "first_page_url": url,
        "previous_page_url": None,
        "url": url,
        "next_page_url": None,
        "key": key,
    }
    return jsonify({key: list(items), "meta": meta})
