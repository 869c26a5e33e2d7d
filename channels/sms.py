"""SMS and MMS over Twilio."""

from __future__ import annotations

from handoff_bot.channels._twilio import TEXT_LIMIT, Traits, TwilioAccount, TwilioChannel
from handoff_bot.channels._twilio_media import MMS
from handoff_bot.domain.messages import Limits
from handoff_bot.ports import ListedChannel

OPT_OUT_CODES = frozenset({"21610"})
"""Twilio's refusal codes for a customer on the carrier's opt-out list."""


def sms(account: TwilioAccount) -> ListedChannel:
    """Returns the channel. Twilio itself handles and answers STOP here."""
    return TwilioChannel(
        account,
        Traits(
            kind="sms",
            limits=Limits(
                text=TEXT_LIMIT, media=MMS, caption=TEXT_LIMIT, opt_out_codes=OPT_OUT_CODES
            ),
            has=lambda address: not address.startswith("whatsapp:"),
            sender=account.sender("sms"),
            service=account.messaging_service_sid,
        ),
    )
