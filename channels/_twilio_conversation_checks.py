"""Health checks of Twilio Conversations (classic): webhooks, events, and addresses that it takes."""

from __future__ import annotations

from collections.abc import Iterator

from handoff_bot.channels._twilio import TwilioAccount
from handoff_bot.channels._twilio_checks import masked, not_ours, webhook_url
from handoff_bot.channels._twilio_setup import (
    CONVERSATIONS,
    AddressConfiguration,
    AutoCreation,
    ConversationWebhooks,
    SetupReader,
    Unread,
)
from handoff_bot.channels.conversations import ADDED, DELIVERY, KIND
from handoff_bot.domain.results import CheckResult

_WHAT = "Twilio: Conversations"
_FLEX = "flex"


def check_conversations(account: TwilioAccount) -> Iterator[CheckResult]:
    """Yields nothing if Conversations is not used: no service is set, and no address belongs to it."""
    reader = SetupReader(account)
    wanted = webhook_url(account, KIND)
    is_ours = False
    try:
        hooks, place = _hooks(reader, account)
    except Unread as error:
        if account.conversations_service_sid:
            yield _unread(account, error)
    else:
        is_ours = not not_ours(hooks.post_webhook_url, hooks.method, wanted)
        if account.conversations_service_sid or is_ours:
            yield _check_hooks(hooks, place, wanted)
    yield from _check_addresses(reader, account, wanted, by_service=is_ours)


def _hooks(reader: SetupReader, account: TwilioAccount) -> tuple[ConversationWebhooks, str]:
    """Returns the service's webhooks, the global ones if it has none, and where they are set."""
    service = account.conversations_service_sid
    if service:
        url = f"{CONVERSATIONS}/Services/{service}/Configuration/Webhooks"
        found = reader.get(ConversationWebhooks, url)
        if found.post_webhook_url:
            return found, f"Conversations > Services > {service} > Webhooks"
    url = f"{CONVERSATIONS}/Configuration/Webhooks"
    return reader.get(ConversationWebhooks, url), "Conversations > Global webhooks"


def _unread(account: TwilioAccount, error: Unread) -> CheckResult:
    if error.is_missing:
        sid = account.conversations_service_sid
        words = f"{sid} is not in this account; check TWILIO_CONVERSATIONS_SERVICE_SID"
        return CheckResult(_WHAT, False, words)
    return CheckResult(_WHAT, error.is_forbidden, f"not checked: {error}")


def _check_hooks(hooks: ConversationWebhooks, place: str, wanted: str) -> CheckResult:
    if hooks.target == _FLEX:
        words = f"{place}: events go to Twilio Flex; choose a webhook, POST {wanted}"
        return CheckResult(_WHAT, False, words)
    if wrong := not_ours(hooks.post_webhook_url, hooks.method, wanted):
        return CheckResult(_WHAT, False, f"{place} > 'Post-event URL' is {wrong}")
    if ADDED not in hooks.filters:
        words = f"{place}: the event {ADDED} is off, so no message arrives; turn it on"
        return CheckResult(_WHAT, False, words)
    if DELIVERY not in hooks.filters:
        words = (
            f"{place}: the event {DELIVERY} is off, so failed messages are not shown; turn it on"
        )
        return CheckResult(_WHAT, False, words)
    words = "messages reach Handoff"
    if hooks.pre_webhook_url:
        words += f"; {place} > 'Pre-event URL' is set: Twilio waits for it with each message"
    return CheckResult(_WHAT, True, words)


def _check_addresses(
    reader: SetupReader, account: TwilioAccount, wanted: str, *, by_service: bool
) -> Iterator[CheckResult]:
    """Finds our numbers whose messages Conversations takes before the channel's webhook is called."""
    whatsapp = account.sender("whatsapp").removeprefix("whatsapp:")
    ours = {account.sender("sms"), f"whatsapp:{whatsapp}"} - {"", "whatsapp:"}
    if not ours:
        return
    url = f"{CONVERSATIONS}/Configuration/Addresses"
    try:
        found = reader.every(AddressConfiguration, url, "address_configurations")
    except Unread as error:
        yield CheckResult(f"{_WHAT} addresses", not _is_wrong(error), f"not checked: {error}")
        return
    for one in found:
        if one.address in ours and one.auto_creation and one.auto_creation.enabled:
            yield _check_taken(one.address, one.auto_creation, wanted, by_service=by_service)


def _is_wrong(error: Unread) -> bool:
    return not (error.is_forbidden or error.is_missing)


def _check_taken(
    address: str, taken: AutoCreation, wanted: str, *, by_service: bool
) -> CheckResult:
    what = f"{_WHAT} {masked(address)}"
    at = "Conversations > Defaults > Addresses"
    is_ours = (
        taken.type == "webhook"
        and not not_ours(taken.webhook_url, taken.webhook_method, wanted)
        and ADDED in taken.webhook_filters
    )
    if is_ours or (by_service and taken.type != "studio"):
        return CheckResult(what, True, "its messages arrive as conversations")
    to = "a Studio flow" if taken.type == "studio" else "Conversations"
    words = (
        f"{to} takes the messages to it, so they do not reach Handoff; turn off auto-creation for the "
        f"address under {at}, or send its events to POST {wanted}"
    )
    return CheckResult(what, False, words)
