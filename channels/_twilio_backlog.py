"""Lists customers' messages that webhooks could not deliver while the bot was offline.

The API returns less than a webhook: no profile name, no quoted message, no ad.
https://www.twilio.com/docs/messaging/api/message-resource#read-multiple-message-resources
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from typing import Any

from handoff_bot.channels._twilio_forms import Fields
from handoff_bot.channels._twilio_http import Refused

STRETCH = timedelta(hours=1)
"""Period of one listing, which keeps it small."""
PAGE, MOST = 200, 5000
"""Number of messages per request, and per period."""
_MOST_FILES = 10
_GONE = frozenset({404, 410})
_CLOCK_SLACK = timedelta(seconds=2)
"""Twilio's dates have whole seconds."""


def inbound_forms(
    messages: Any,
    recipients: Collection[str],
    since: datetime,
    until: datetime,
    files_at: str,
) -> Iterator[tuple[Fields, float]]:
    """Yields the messages to these addresses of ours in this period, as webhook forms, with times.

    Args:
        messages: the messages of Twilio's client.
        recipients: empty for all of the account's.
        files_at: URL of the account's messages, for files.
    """
    seen: set[str] = set()
    for one in _listed(messages, recipients, since, until):
        is_new = one.direction == "inbound" and one.sid and one.sid not in seen
        at = one.date_sent or one.date_created
        if not is_new or at is None or not since - _CLOCK_SLACK <= at <= until + _CLOCK_SLACK:
            continue
        seen.add(one.sid)
        yield _form(messages, one, files_at), at.timestamp()


def _listed(
    messages: Any, recipients: Collection[str], since: datetime, until: datetime
) -> Iterator[Any]:
    asked: dict[str, Any] = {
        "date_sent_after": since.replace(microsecond=0),
        "date_sent_before": until.replace(microsecond=0) + timedelta(seconds=1),
        "limit": MOST,
        "page_size": PAGE,
    }
    for narrowed in [{"to": one} for one in sorted(recipients)] or [{}]:
        yield from messages.list(**asked, **narrowed)


def _form(messages: Any, one: Any, files_at: str) -> Fields:
    form = {
        "MessageSid": one.sid,
        "AccountSid": one.account_sid or "",
        "From": one.from_ or "",
        "To": one.to or "",
        "Body": one.body or "",
        "NumMedia": str(one.num_media or "0"),
        "SmsStatus": "received",
    }
    if form["NumMedia"] == "0":
        return form
    files = _files(messages, one.sid)
    for number, file in enumerate(files):
        form[f"MediaUrl{number}"] = f"{files_at}/{one.sid}/Media/{file.sid}"
        form[f"MediaContentType{number}"] = file.content_type or ""
    return form | {"NumMedia": str(len(files))}


def _files(messages: Any, sid: str) -> list[Any]:
    """Returns a message's files; empty if Twilio no longer has them, because others follow."""
    try:
        return list(messages(sid).media.list(limit=_MOST_FILES))
    except Refused as error:
        if error.status not in _GONE:
            raise
        return []
