"""What the tests draw, and how they see refusals."""

import pytest
from slack_sdk.errors import SlackApiError

METADATA = {"event_type": "post", "event_payload": {"mark": "m1"}}


def section(text="Hello", **more):
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}} | more


def button(action_id="claim", value="7", **more):
    text = {"type": "plain_text", "text": action_id.title()}
    return {"type": "button", "action_id": action_id, "text": text, "value": value} | more


def actions(*elements):
    return {"type": "actions", "elements": list(elements)}


def refused(call, **arguments):
    """The error with which a call is refused."""
    with pytest.raises(SlackApiError) as caught:
        call(**arguments)
    return caught.value.response["error"]
