"""WhatsApp over Twilio."""

from __future__ import annotations

from handoff_bot.channels._twilio import TEXT_LIMIT, Traits, TwilioAccount, TwilioChannel
from handoff_bot.channels._twilio_media import WHATSAPP
from handoff_bot.domain.messages import Limits
from handoff_bot.ports import ListedChannel

PREFIX = "whatsapp:"
REPLY_WINDOW_HOURS = 24
"""WhatsApp's messaging window after the customer's last message; later messages are error 63016."""

WINDOW_CODES = frozenset({"63016"})
CAPTION = 1024
"""Maximum characters of a picture's caption."""


def whatsapp(account: TwilioAccount) -> ListedChannel:
    """Returns the channel. Only we handle STOP here."""
    number = account.sender("whatsapp").removeprefix(PREFIX)
    return TwilioChannel(
        account,
        Traits(
            kind="whatsapp",
            limits=Limits(
                text=TEXT_LIMIT,
                reply_window_hours=REPLY_WINDOW_HOURS,
                consent_by_us=True,
                media=WHATSAPP,
                caption=CAPTION,
                templates=True,
                window_codes=WINDOW_CODES,
                marks=True,
            ),
            has=lambda address: address.startswith(PREFIX),
            sender=f"{PREFIX}{number}" if number else "",
        ),
    )
