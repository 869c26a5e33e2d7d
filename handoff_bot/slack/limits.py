"""Slack's published rate limits as budgets; see docs.slack.dev/apis/web-api/rate-limits and ADR 8."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from handoff_bot.jobs.rate_limits import Rate, per_minute

LIMITS: Mapping[str, Rate] = {
    # chat.postMessage: one per second in each Slack channel; "short bursts" are allowed.
    "post": Rate(timedelta(seconds=1), burst=2),
    # Ours, not Slack's: the share of new cards. More cards would be unreadable, and would delay messages
    # of conversations that are in progress.
    "card": Rate(timedelta(seconds=2), burst=4),
    # chat.update: tier 3, for all cards and the board together.
    "redraw": per_minute(50, burst=4),
    # reactions.add is tier 3, reactions.remove tier 2.
    "mark": per_minute(50, burst=4),
    "unmark": per_minute(20, burst=2),
    # conversations.replies: tier 3; some calls are left for looking up the outcome of a post.
    "replies": per_minute(40, burst=4),
    # chat.delete and files.delete: tier 3.
    "erase_post": per_minute(50, burst=4),
    "erase_file": per_minute(50, burst=4),
    # chat.postEphemeral: tier 4.
    "whisper": per_minute(100, burst=8),
}
"""Kind of budget -> rate. No minute holds more calls than the published limit, bursts included."""
