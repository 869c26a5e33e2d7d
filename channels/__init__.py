"""Customer channels: one file each, behind one Protocol, and the only list of them."""

from __future__ import annotations

from collections.abc import Callable

from handoff_bot.channels._twilio import TwilioAccount
from handoff_bot.channels.conversations import conversations
from handoff_bot.channels.sms import sms
from handoff_bot.channels.webchat import KIND as WEBCHAT
from handoff_bot.channels.webchat import Webchat, Website
from handoff_bot.channels.whatsapp import whatsapp
from handoff_bot.ports import ListedChannel

__all__ = ["CHANNELS", "TWILIO", "WEBCHAT", "TwilioAccount", "Webchat", "Website"]

TWILIO: dict[str, Callable[[TwilioAccount], ListedChannel]] = {
    "sms": sms,
    "whatsapp": whatsapp,
    "conversations": conversations,
}
"""Twilio channels: kind -> factory with an account."""
CHANNELS = (*TWILIO, WEBCHAT)
"""All channel kinds."""
