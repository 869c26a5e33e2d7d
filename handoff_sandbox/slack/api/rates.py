"""Slack's rate limits: the tiers of methods, and one post per second in each slack_channel."""

from __future__ import annotations

import math
from dataclasses import dataclass

from handoff_sandbox.slack.state.workspace import Clock

TIER_2, TIER_3, TIER_4 = 20, 50, 100
"""Calls per minute of one method."""

BURST = 5
"""The part of a tier's calls per minute that may come at once. Our choice: Slack only says "short"."""

POSTS_A_SECOND = 1.0
POST_BURST = 3
"""Posts that one slack_channel accepts at once, before it takes one per second; also our choice."""

TIERS: dict[str, int] = {
    "apps.connections.open": TIER_3,
    "bots.info": TIER_3,
    "chat.delete": TIER_3,
    "chat.postEphemeral": TIER_4,
    "chat.update": TIER_3,
    "conversations.history": TIER_3,
    "conversations.info": TIER_3,
    "conversations.join": TIER_3,
    "conversations.list": TIER_2,
    "conversations.members": TIER_4,
    "conversations.open": TIER_3,
    "conversations.replies": TIER_3,
    "dnd.info": TIER_3,
    "dnd.teamInfo": TIER_2,
    "files.completeUploadExternal": TIER_4,
    "files.delete": TIER_3,
    "files.getUploadURLExternal": TIER_4,
    "files.info": TIER_4,
    "pins.add": TIER_2,
    "pins.list": TIER_2,
    "pins.remove": TIER_2,
    "reactions.add": TIER_3,
    "reactions.get": TIER_3,
    "reactions.remove": TIER_2,
    "usergroups.list": TIER_2,
    "usergroups.users.list": TIER_2,
    "users.getPresence": TIER_3,
    "users.conversations": TIER_3,
    "users.info": TIER_4,
    "users.list": TIER_2,
    "users.lookupByEmail": TIER_3,
    "users.profile.get": TIER_4,
    "views.open": TIER_4,
    "views.publish": TIER_4,
    "views.push": TIER_4,
    "views.update": TIER_4,
}
"""Other methods (auth.test, chat.getPermalink) have limits that are never reached."""


@dataclass
class _Bucket:
    tokens: float
    at: float


class Rates:
    """Counts calls; the caller holds the workspace's lock."""

    def __init__(self, now: Clock) -> None:
        self._now = now
        self._buckets: dict[str, _Bucket] = {}

    def wait_for(self, method: str, channel: str) -> int:
        """Counts a call and returns 0, or returns the seconds of Retry-After."""
        if method == "chat.postMessage":
            return self._take(f"{method} {channel}", POSTS_A_SECOND, POST_BURST)
        tier = TIERS.get(method)
        return self._take(method, tier / 60, tier // BURST) if tier else 0

    def _take(self, key: str, rate: float, burst: int) -> int:
        now = self._now()
        bucket = self._buckets.setdefault(key, _Bucket(burst, now))
        bucket.tokens = min(burst, bucket.tokens + (now - bucket.at) * rate)
        bucket.at = now
        if bucket.tokens < 1:
            return max(1, math.ceil((1 - bucket.tokens) / rate))
        bucket.tokens -= 1
        return 0
