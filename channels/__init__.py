"""Customer channels: one file each, behind one Protocol, and the only list of them."""

from __future__ import annotations

from collections.abc import Callable

from channels._twilio import TwilioAccount
from channels._webchat_sessions import Website
from channels.conversations import conversations
from channels.sms import sms
from channels.webchat import KIND as WEBCHAT
from channels.webchat import Webchat
from channels.whatsapp import whatsapp
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
