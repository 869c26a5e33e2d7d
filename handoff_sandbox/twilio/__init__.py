"""Twilio's stand-in: messages, Conversations (classic) and signed webhooks, for the unmodified client."""

from handoff_sandbox.twilio.carrier import Callbacks
from handoff_sandbox.twilio.forms import Button, Location
from handoff_sandbox.twilio.hooks import WebhookResult
from handoff_sandbox.twilio.messages import Message
from handoff_sandbox.twilio.signature import Fields, SharedKey, sign
from handoff_sandbox.twilio.stand_in import TwilioStandIn

__all__ = [
    "Button",
    "Callbacks",
    "Fields",
    "Location",
    "Message",
    "SharedKey",
    "TwilioStandIn",
    "WebhookResult",
    "sign",
]
