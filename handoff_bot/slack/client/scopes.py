"""The Slack app's scopes, with the purpose of each."""

from __future__ import annotations

from collections.abc import Iterable

NEEDED: dict[str, str] = {
    "channels:history": "to receive agents' messages in public channels",
    "channels:read": "to know when it is invited into a channel, and who is in it",
    "chat:write": "to post cards and messages",
    "commands": "for /handoff and the shortcuts",
    "files:read": "to send agents' files to customers",
    "files:write": "to show customers' files in threads",
    "groups:history": "to receive agents' messages in private channels",
    "groups:read": "to know when it is invited into a private channel, and who is in it",
    "pins:write": "to pin the board",
    "reactions:write": "to show the delivery status of replies",
    "users:read": "to know agents' names and roles",
}

OPTIONAL: dict[str, str] = {
    "chat:write.customize": "to show customers' messages under their names",
    "dnd:read": "to offer to agents in do-not-disturb last",
    "im:history": "to answer direct messages to the app",
    "usergroups:read": "to assign conversations to user groups, and to know their members",
}
"""Scopes that an installation may leave out."""


def missing(granted: Iterable[str], wanted: dict[str, str] = NEEDED) -> list[str]:
    """Returns a line for each scope that was not granted."""
    given = set(granted)
    return [f"{scope} ({why})" for scope, why in wanted.items() if scope not in given]
