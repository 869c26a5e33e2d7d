"""What the app may be granted in Slack, and what each permission is for, in words."""

from __future__ import annotations

from collections.abc import Iterable

NEEDED: dict[str, str] = {
    "channels:history": "to hear what agents write in public channels",
    "channels:read": "to know when it is invited into a channel, and who is in it",
    "chat:write": "to post cards and messages",
    "commands": "for /handoff and the shortcuts",
    "files:read": "to send agents' files to customers",
    "files:write": "to show customers' files in threads",
    "groups:history": "to hear what agents write in private channels",
    "groups:read": "to know when it is invited into a private channel, and who is in it",
    "pins:write": "to pin the board",
    "reactions:write": "to mark how far replies have come",
    "users:read": "to know agents' names, and who may do what",
}

OPTIONAL: dict[str, str] = {
    "chat:write.customize": "to show customers' words under their own names",
    "dnd:read": "to ask those last who do not want to be disturbed",
    "usergroups:read": "to give conversations to user groups, and to know who is in them",
}
"""What an installation may go without."""


def missing(granted: Iterable[str], wanted: dict[str, str] = NEEDED) -> list[str]:
    """A line for each permission that was not granted."""
    given = set(granted)
    return [f"{scope} ({why})" for scope, why in wanted.items() if scope not in given]
