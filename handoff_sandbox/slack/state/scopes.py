"""The app's scopes: which ones methods and events need, and Slack's error for a missing one."""

from __future__ import annotations

from collections.abc import Iterable

from handoff_sandbox.slack.state.refusal import Refusal

_HISTORY = ("channels:history", "groups:history", "im:history", "mpim:history")
_READ = ("channels:read", "groups:read", "im:read", "mpim:read")
_OPEN = ("channels:manage", "groups:write", "im:write", "mpim:write")

METHODS: dict[str, tuple[str, ...]] = {
    "bots.info": ("users:read",),
    "chat.delete": ("chat:write",),
    "chat.postEphemeral": ("chat:write",),
    "chat.postMessage": ("chat:write",),
    "chat.update": ("chat:write",),
    "conversations.history": _HISTORY,
    "conversations.info": _READ,
    "conversations.join": ("channels:join",),
    "conversations.list": _READ,
    "conversations.members": _READ,
    "conversations.open": _OPEN,
    "conversations.replies": _HISTORY,
    "dnd.info": ("dnd:read",),
    "dnd.teamInfo": ("dnd:read",),
    "files.completeUploadExternal": ("files:write",),
    "files.delete": ("files:write",),
    "files.getUploadURLExternal": ("files:write",),
    "files.info": ("files:read",),
    "pins.add": ("pins:write",),
    "pins.list": ("pins:read",),
    "pins.remove": ("pins:write",),
    "reactions.add": ("reactions:write",),
    "reactions.get": ("reactions:read",),
    "reactions.remove": ("reactions:write",),
    "usergroups.list": ("usergroups:read",),
    "usergroups.users.list": ("usergroups:read",),
    "users.getPresence": ("users:read",),
    "users.conversations": _READ,
    "users.info": ("users:read",),
    "users.list": ("users:read",),
    "users.lookupByEmail": ("users:read.email",),
    "users.profile.get": ("users.profile:read",),
}
"""Alternative scopes of methods; a method that is not listed needs none."""

_BY_KIND = {"channel": 0, "group": 1, "im": 2}
"""The scope for each type of conversation."""

EVENTS: dict[str, tuple[str, ...]] = {
    "app_mention": ("app_mentions:read",),
    "dnd_updated_user": ("dnd:read",),
    "member_joined_channel": ("channels:read", "groups:read"),
    "member_left_channel": ("channels:read", "groups:read"),
    "message.channels": ("channels:history",),
    "message.groups": ("groups:history",),
    "message.im": ("im:history",),
    "pin_added": ("pins:read",),
    "pin_removed": ("pins:read",),
    "reaction_added": ("reactions:read",),
    "reaction_removed": ("reactions:read",),
    "subteam_members_changed": ("usergroups:read",),
    "user_change": ("users:read",),
}
"""Alternative scopes of events."""

CUSTOMIZE = "chat:write.customize"
"""Without this scope Slack silently ignores `username` and icons."""

EMAIL = "users:read.email"
"""Without this scope people have no email addresses."""

EVERYTHING = frozenset(
    {
        *(scope for scopes in (*METHODS.values(), *EVENTS.values()) for scope in scopes),
        CUSTOMIZE,
        "assistant:write",
        "bookmarks:read",
        "bookmarks:write",
        "commands",
        "emoji:read",
        "links:write",
        "team:read",
        "usergroups:write",
        "users:write",
    }
)
"""Every scope that a bot may request."""


class Scopes:
    """The granted scopes, in a fixed order; can be changed at run time."""

    def __init__(self, granted: Iterable[str] | None) -> None:
        self._granted = EVERYTHING if granted is None else frozenset(granted)

    @property
    def granted(self) -> frozenset[str]:
        """Returns all granted scopes."""
        return self._granted

    @granted.setter
    def granted(self, granted: Iterable[str]) -> None:
        self._granted = frozenset(granted)

    @property
    def header(self) -> str:
        """Returns the header of Slack's responses."""
        return ",".join(sorted(self.granted))

    def has(self, scope: str) -> bool:
        """Whether a scope is granted."""
        return scope in self.granted

    def hears(self, event: str) -> bool:
        """Whether the app may receive this type of event."""
        needed = EVENTS.get(event)
        return needed is None or not self.granted.isdisjoint(needed)

    def check(self, method: str, kinds: Iterable[str]) -> None:
        """Checks a call; `kinds` are the types of its conversations, if any.

        Raises:
            Refusal: missing_scope, with `needed` and `provided`.
        """
        needed = METHODS.get(method)
        if needed is None:
            return
        if needed in (_HISTORY, _READ, _OPEN):
            for kind in kinds:
                self._need((needed[_BY_KIND[kind]],))
        self._need(needed)

    def _need(self, scopes: tuple[str, ...]) -> None:
        if self.granted.isdisjoint(scopes):
            raise Refusal("missing_scope", needed=",".join(scopes), provided=self.header)
