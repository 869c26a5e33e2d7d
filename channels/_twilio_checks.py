"""Health checks of Twilio: credentials, the account, its numbers, and which webhook gets messages.

Each request is a GET: nothing is sent, and nothing is changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urldefrag, urlsplit

from handoff_bot.channels._twilio import TwilioAccount
from handoff_bot.channels._twilio_setup import (
    API,
    MESSAGING,
    AccountState,
    Balance,
    MessagingService,
    Number,
    Resource,
    Sender,
    SenderWebhook,
    SetupReader,
    Unread,
)
from handoff_bot.domain.results import CheckResult, compare_clock

_POST = "POST"
_SERVICES = 20
"""Messaging Services that are searched for our senders; each takes one request."""
_POOL = 20
"""Numbers of one service whose own webhook is read."""
_SANDBOX = "whatsapp:+14155238886"
"""Twilio's shared sandbox, which is no sender of any account."""
_LOW = "LOW"
_ONLINE = frozenset({"ONLINE", "ONLINE:UPDATING"})
PRIMARY = "TWILIO_AUTH_TOKEN"


def check_twilio(account: TwilioAccount, now: datetime) -> Iterator[CheckResult]:
    """Yields all health checks of Twilio that need no message to be sent."""
    # An API key may not read the account, and does not sign webhooks: the token is used here.
    token = next(iter(account.auth_tokens), "")
    reader = SetupReader(_by_token(account, token))
    try:
        state = reader.get(AccountState, f"{API}/Accounts/{account.account_sid}.json")
    except Unread as error:
        words = f"{error}; check TWILIO_ACCOUNT_SID and {PRIMARY}"
        yield CheckResult("Twilio: credentials", False, words)
        return
    yield _check_token(account, state)
    yield from _check_next_token(account)
    yield _check_state(state)
    yield from compare_clock("Twilio", reader.date, now)
    yield _check_balance(reader, account)
    reader = SetupReader(account)
    if account.api_key:
        yield _check_key(reader, account)
    yield from _check_senders(reader, account)


def _by_token(account: TwilioAccount, token: str) -> TwilioAccount:
    return replace(account, api_key="", api_secret="", auth_tokens=(token,))


def _check_token(account: TwilioAccount, state: AccountState) -> CheckResult:
    primary = state.auth_token.get_secret_value()
    if primary and primary not in account.auth_tokens:
        words = (
            f"Twilio signs webhooks with the primary auth token, which is not {PRIMARY}, so each "
            "webhook is refused; copy it from Account > API keys & tokens > Live credentials"
        )
        return CheckResult("Twilio: credentials", False, words)
    return CheckResult("Twilio: credentials", True, "the account SID and the auth token are valid")


def _check_next_token(account: TwilioAccount) -> Iterator[CheckResult]:
    for token in account.auth_tokens[1:]:
        reader = SetupReader(_by_token(account, token))
        try:
            reader.get(AccountState, f"{API}/Accounts/{account.account_sid}.json")
        except Unread as error:
            words = (
                f"{error}; create the secondary token in Twilio's console, or remove the setting"
            )
            yield CheckResult(f"Twilio: {PRIMARY}_NEXT", False, words)
        else:
            yield CheckResult(f"Twilio: {PRIMARY}_NEXT", True, "valid")


def _check_state(state: AccountState) -> CheckResult:
    if state.status != "active":
        words = (
            f"{state.status}: no message is sent or received; see the account in Twilio's console"
        )
        return CheckResult("Twilio: account", False, words)
    if state.type.casefold() == "trial":
        words = (
            "a trial account messages verified numbers only, so customers get no answer; upgrade it "
            "under Billing"
        )
        return CheckResult("Twilio: account", False, words)
    return CheckResult("Twilio: account", True, "active")


def _check_balance(reader: SetupReader, account: TwilioAccount) -> CheckResult:
    what = "Twilio: balance"
    try:
        found = reader.get(Balance, f"{API}/Accounts/{account.account_sid}/Balance.json")
    except Unread as error:
        # Subaccounts and invoiced accounts show none.
        return CheckResult(what, True, f"not checked: {error}")
    amount = f"{found.balance:.2f} {found.currency}".strip()
    if found.balance <= 0:
        words = (
            f"{amount}; Twilio suspends prepaid accounts without credit: add funds under Billing"
        )
        return CheckResult(what, False, words)
    return CheckResult(what, True, amount)


def _check_key(reader: SetupReader, account: TwilioAccount) -> CheckResult:
    """Reads a message, as the bot does after a crash; nothing of it is kept or shown."""
    what = "Twilio: API key"
    try:
        messages = f"{API}/Accounts/{account.account_sid}/Messages.json"
        reader.every(Resource, messages, "messages", PageSize=1)
    except Unread as error:
        if error.is_forbidden:
            words = (
                "may not read messages, so a message is not found again after a crash; allow "
                "Messaging > Messages > Read for the restricted key"
            )
            return CheckResult(what, False, words)
        return CheckResult(what, False, f"{error}; check TWILIO_API_KEY and TWILIO_API_SECRET")
    return CheckResult(what, True, "accepted")


# -- which webhook gets a customer's message
# A Messaging Service takes the messages to its senders, and only leaves them to a sender's own
# webhook if it "defers to sender's webhook" (use_inbound_webhook_on_number).


def not_ours(url: str, method: str, wanted: str) -> str:
    """Returns what is wrong with a webhook and the value to set, "" if nothing is.

    Of another address, neither the query nor a password is shown.
    """
    if not url:
        return f"not set; set it to POST {wanted}"
    if not _same(url, wanted):
        return f"{_shown(url)}, so messages do not reach Handoff; set it to POST {wanted}"
    if method.upper() not in ("", _POST):
        return f"called with {method.upper()}, which Handoff refuses; choose HTTP POST"
    return ""


def _same(url: str, wanted: str) -> bool:
    """Compares without the fragment, which holds Twilio's connection overrides."""
    try:
        given, right = urlsplit(urldefrag(url).url), urlsplit(wanted)
    except ValueError:
        return False
    return (given.scheme.lower(), given.netloc.lower(), *given[2:]) == tuple(right)


def _shown(url: str) -> str:
    try:
        parts = urlsplit(url)
        return f"{parts.scheme}://{parts.hostname or ''}{parts.path}"[:200]
    except ValueError:
        return "an invalid address"


def webhook_url(account: TwilioAccount, kind: str) -> str:
    """Returns the address of a channel's webhook."""
    return f"{account.public_base_url.rstrip('/')}/webhooks/{kind}"


def masked(number: str) -> str:
    """Returns a number without its last digits."""
    return f"{number[:-4]}····"


@dataclass(frozen=True)
class _Holders:
    """The Messaging Services that one sender belongs to.

    Attributes:
        unread: why it is not known whether there are others, "" if it is.
    """

    services: Sequence[MessagingService]
    unread: str = ""


class _Services:
    """The account's Messaging Services, read once. The configured one comes first."""

    def __init__(self, reader: SetupReader, configured: str) -> None:
        self._reader = reader
        self._unread = ""
        self._all: list[MessagingService] = []
        try:
            found = reader.every(MessagingService, f"{MESSAGING}/v1/Services", "services")
        except Unread as error:
            self._unread = str(error)
            return
        self._all = sorted(found, key=lambda one: one.sid != configured)[:_SERVICES]
        if len(found) > _SERVICES:
            self._unread = f"only {_SERVICES} of {len(found)} Messaging Services were read"

    def holding(self, part: str, sid: str) -> _Holders:
        """Returns the services that hold a sender; `part` is PhoneNumbers or ChannelSenders."""
        held: list[MessagingService] = []
        for one in self._all:
            try:
                if self._reader.has(f"{MESSAGING}/v1/Services/{one.sid}/{part}/{sid}"):
                    held.append(one)
            except Unread as error:
                return _Holders(held, str(error))
        return _Holders(held, self._unread)


def _check_senders(reader: SetupReader, account: TwilioAccount) -> Iterator[CheckResult]:
    number, whatsapp = account.sender("sms"), account.sender("whatsapp")
    services = _Services(reader, account.messaging_service_sid) if number or whatsapp else None
    if number and services:
        yield _check_number(reader, account, services, number)
    if whatsapp and services:
        yield _check_whatsapp(reader, account, services, whatsapp)
    if account.messaging_service_sid:
        yield from _check_service(reader, account)


# -- SMS


def _check_number(
    reader: SetupReader, account: TwilioAccount, services: _Services, number: str
) -> CheckResult:
    what = f"Twilio: SMS {masked(number)}"
    numbers = f"{API}/Accounts/{account.account_sid}/IncomingPhoneNumbers.json"
    try:
        found = reader.every(Number, numbers, "incoming_phone_numbers", PhoneNumber=number)
    except Unread as error:
        return _unread(what, error)
    mine = next((one for one in found if one.phone_number == number), None)
    if mine is None:
        return CheckResult(what, False, "is not a number of this account; check TWILIO_SMS_FROM")
    if mine.capabilities and not mine.capabilities.sms:
        return CheckResult(what, False, "cannot send SMS; choose a number that can")
    return _routed(what, _own(mine), services.holding("PhoneNumbers", mine.sid), _of_sms(account))


@dataclass(frozen=True)
class _Own:
    """A sender's own webhook. `taken_by` overrides it, "" if nothing does."""

    url: str
    method: str
    field: str
    taken_by: str = ""


def _own(number: Number) -> _Own:
    app = number.sms_application_sid
    taken_by = f"the TwiML App {app}, which overrides the webhook; remove it" if app else ""
    field = "Phone Numbers > Active numbers > the number > 'A message comes in'"
    return _Own(number.sms_url, number.sms_method, field, taken_by)


def _of_sms(account: TwilioAccount) -> str:
    return webhook_url(account, "sms")


def _routed(what: str, own: _Own, holders: _Holders, wanted: str) -> CheckResult:
    """Returns whether messages to a sender reach `wanted`, by what wins at Twilio."""
    for service in holders.services:
        if not service.use_inbound_webhook_on_number:
            return _through(what, service, wanted)
    if own.taken_by:
        return CheckResult(what, False, f"messages go to {own.taken_by}")
    if wrong := not_ours(own.url, own.method, wanted):
        return CheckResult(what, False, f"{own.field} is {wrong}")
    words = "messages reach Handoff"
    if holders.services:
        words += f"; Messaging Service {holders.services[0].sid} defers to the sender's webhook"
    if holders.unread:
        words += f", unless a Messaging Service takes them ({holders.unread})"
    return CheckResult(what, True, words)


def _through(what: str, service: MessagingService, wanted: str) -> CheckResult:
    field = f"Messaging > Services > {service.sid} > Integration"
    if not service.inbound_request_url:
        words = (
            f"Messaging Service {service.sid} drops messages to it; under {field} choose 'Send a "
            f"webhook' with POST {wanted}, or 'Defer to sender's webhook'"
        )
        return CheckResult(what, False, words)
    if wrong := not_ours(service.inbound_request_url, service.inbound_method, wanted):
        words = f"its Messaging Service wins, and {field} > 'Request URL' is {wrong}"
        return CheckResult(what, False, words)
    return CheckResult(what, True, f"messages reach Handoff through {service.sid}")


def _unread(what: str, error: Unread) -> CheckResult:
    """A restricted key that may send but not read settings is no mistake."""
    return CheckResult(what, error.is_forbidden, f"not checked: {error}")


# -- the Messaging Service that sends SMS


def _check_service(reader: SetupReader, account: TwilioAccount) -> Iterator[CheckResult]:
    sid = account.messaging_service_sid
    what = f"Twilio: Messaging Service {sid}"
    url = f"{MESSAGING}/v1/Services/{sid}"
    try:
        service = reader.get(MessagingService, url)
        numbers = reader.every(Resource, f"{url}/PhoneNumbers", "phone_numbers")
        codes = reader.every(Resource, f"{url}/ShortCodes", "short_codes")
        others = reader.every(Resource, f"{url}/ChannelSenders", "senders")
    except Unread as error:
        if error.is_missing:
            words = "is not in this account; check TWILIO_MESSAGING_SERVICE_SID"
            yield CheckResult(what, False, words)
        else:
            yield _unread(what, error)
        return
    senders = len(numbers) + len(codes)
    if not senders:
        kept = " except for other channels" if others else ""
        words = f"its Sender Pool is empty{kept}, so no SMS can be sent; add a number there"
        yield CheckResult(what, False, words)
        return
    if senders > 1 and not service.sticky_sender:
        words = (
            f"has {senders} senders, and Sticky Sender is off, so a customer may get answers from "
            "several numbers; turn it on under Properties"
        )
        yield CheckResult(what, False, words)
    if service.use_inbound_webhook_on_number:
        yield from _check_pool(reader, account, what, numbers)
    else:
        yield _through(what, service, _of_sms(account))


def _check_pool(
    reader: SetupReader, account: TwilioAccount, what: str, numbers: Sequence[Resource]
) -> Iterator[CheckResult]:
    """The service defers to the webhooks of its numbers, so each of them counts."""
    wrong: list[str] = []
    for member in numbers[:_POOL]:
        url = f"{API}/Accounts/{account.account_sid}/IncomingPhoneNumbers/{member.sid}.json"
        try:
            number = reader.get(Number, url)
        except Unread as error:
            yield _unread(what, error)
            return
        own = _own(number)
        if own.taken_by or not_ours(own.url, own.method, _of_sms(account)):
            wrong.append(masked(number.phone_number))
    if wrong:
        words = (
            f"it defers to the webhooks of its numbers, and these do not reach Handoff: "
            f"{', '.join(wrong[:5])}; set their 'A message comes in' to POST {_of_sms(account)}"
        )
        yield CheckResult(what, False, words)
        return
    yield CheckResult(what, True, "the webhooks of its numbers reach Handoff")


# -- WhatsApp


def _check_whatsapp(
    reader: SetupReader, account: TwilioAccount, services: _Services, number: str
) -> CheckResult:
    address = f"whatsapp:{number.removeprefix('whatsapp:')}"
    what = f"Twilio: WhatsApp {masked(address.removeprefix('whatsapp:'))}"
    if address == _SANDBOX:
        words = (
            "Twilio's sandbox: customers have to join it first, and its webhook cannot be read; set "
            f"'When a message comes in' to POST {webhook_url(account, 'whatsapp')} under Messaging > "
            "Try it out > Send a WhatsApp message > Sandbox settings"
        )
        return CheckResult(what, True, words)
    try:
        listed = reader.every(
            Sender, f"{MESSAGING}/v2/Channels/Senders", "senders", Channel="whatsapp"
        )
    except Unread as error:
        return _unread(what, error)
    mine = next((one for one in listed if one.sender_id == address), None)
    if mine is None:
        words = (
            "no WhatsApp sender of this account has this number, so nothing can be sent; check "
            "TWILIO_WHATSAPP_FROM, or register it under Messaging > Senders > WhatsApp senders"
        )
        return CheckResult(what, False, words)
    if mine.status not in _ONLINE:
        return CheckResult(what, False, _offline(mine))
    return _of_whatsapp(what, mine, services.holding("ChannelSenders", mine.sid), account)


def _offline(sender: Sender) -> str:
    codes = [one.code for one in sender.offline_reasons or () if one.code.isdecimal()][:3]
    why = f" (Twilio error {', '.join(codes)})" if codes else ""
    return (
        f"the sender is {sender.status or 'in no known state'}{why}, so messages are neither sent nor "
        "received; see Messaging > Senders > WhatsApp senders"
    )


def _of_whatsapp(
    what: str, sender: Sender, holders: _Holders, account: TwilioAccount
) -> CheckResult:
    webhook = sender.webhook or SenderWebhook()
    field = "Messaging > Senders > WhatsApp senders > the sender > 'Webhook URL'"
    own = _Own(webhook.callback_url, webhook.callback_method, field)
    wanted = webhook_url(account, "whatsapp")
    found = _routed(what, own, holders, wanted)
    if not found.ok:
        return found
    words = [found.words]
    for service in holders.services:
        url = service.inbound_request_url
        if service.use_inbound_webhook_on_number and url and not _same(url, wanted):
            # Seen at Twilio: the service's own URL was called for a WhatsApp sender all the same.
            words.append(f"should messages be missing, also set the Request URL of {service.sid}")
    if sender.properties and sender.properties.quality_rating.upper() == _LOW:
        words.append("Meta rates its quality as low, and may limit it")
    return CheckResult(what, True, "; ".join(words))
