"""Upload quotas: per customer, per network and in total."""

from __future__ import annotations

from datetime import datetime, timedelta

from handoff_bot.domain.crowds import NETWORK, Quota
from handoff_bot.domain.errors import Exhausted
from handoff_bot.domain.files import MB
from handoff_bot.domain.messages import InboundMessage
from handoff_bot.services.delivery.outbound_files import KEPT_FOR
from handoff_bot.storage import tallies
from handoff_bot.storage.transaction import Transaction

_HOUR = timedelta(hours=1)
OF_ONE = Quota(50 * MB, _HOUR)
OF_NETWORK = Quota(200 * MB, _HOUR)
OF_ALL = Quota(2_000 * MB, _HOUR)
KEPT = Quota(20_000 * MB, KEPT_FOR)
"""In bytes. Files are deleted after `KEPT_FOR`, so at most twice this is stored at any time."""

TOO_MUCH = "Too many files uploaded. Please try again later."


def take(tx: Transaction, message: InboundMessage, size: int, now: datetime) -> None:
    """Counts the bytes of an upload.

    Raises:
        Exhausted: a quota is used up.
    """
    quotas = {
        f"upload:{message.channel}:{message.address}": OF_ONE,
        "upload:all": OF_ALL,
        "upload:kept": KEPT,
    }
    for group in message.counted_with:
        if group.startswith(NETWORK):
            quotas[f"upload:{group}"] = OF_NETWORK
    refused_by = tallies.take(tx, quotas, now, size)
    if refused_by:
        wait = quotas[refused_by].ends(now) - now
        raise Exhausted(TOO_MUCH, limit=refused_by[:13], retry_after=wait.total_seconds())
