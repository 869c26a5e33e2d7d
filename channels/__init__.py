"""The customer's side: one file per channel behind one Protocol, and the only list of them."""

from __future__ import annotations

from collections.abc import Callable

from channels._twilio import TwilioAccount
from channels.sms import sms
from channels.whatsapp import whatsapp
from handoff_bot.ports import Channel

__all__ = ["CHANNELS", "TwilioAccount"]

CHANNELS: dict[str, Callable[[TwilioAccount], Channel]] = {
    "sms": sms,
    "whatsapp": whatsapp,
}
"""Every channel: kind -> what makes it of an account."""
