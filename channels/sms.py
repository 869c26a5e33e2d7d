"""SMS and MMS over Twilio."""

from __future__ import annotations

from channels._twilio import TEXT_LIMIT, Traits, TwilioAccount, TwilioChannel
from channels._twilio_kinds import MMS
from handoff_bot.domain.messages import Limits
from handoff_bot.ports import ListedChannel


def sms(account: TwilioAccount) -> ListedChannel:
    """The channel. Twilio itself honours and answers STOP here."""
    return TwilioChannel(
        account,
        Traits(
            kind="sms",
            limits=Limits(text=TEXT_LIMIT, media=MMS, caption=TEXT_LIMIT),
            has=lambda address: not address.startswith("whatsapp:"),
            sender=account.sms_from,
            service=account.messaging_service_sid,
        ),
    )
