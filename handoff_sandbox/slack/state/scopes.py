"""What the app was granted: which scopes methods and events need, and how Slack says that one is missing."""

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
"""Scopes of which a call needs one; methods that are not here need none."""

_BY_KIND = {"channel": 0, "group": 1, "im": 2}
"""Which of several scopes is about which kind of conversation."""

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
"""Scopes of which hearing of an event needs one."""

CUSTOMIZE = "chat:write.customize"
"""Without it Slack passes over `username` and icons, without a word."""

EMAIL = "users:read.email"
"""Without it people have no e-mail addresses."""

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
"""Every scope that a bot like ours may want."""


class Scopes:
    """What was granted, in an order of its own; can be changed while the world runs."""

    def __init__(self, granted: Iterable[str] | None) -> None:
        self._granted = EVERYTHING if granted is None else frozenset(granted)

    @property
    def granted(self) -> frozenset[str]:
        """All of them."""
        return self._granted

    @granted.setter
    def granted(self, granted: Iterable[str]) -> None:
        self._granted = frozenset(granted)

    @property
    def header(self) -> str:
        """As Slack's answers say it."""
        return ",".join(sorted(self.granted))

    def has(self, scope: str) -> bool:
        """Was it granted?"""
        return scope in self.granted

    def hears(self, event: str) -> bool:
        """May the app hear of this kind of event?"""
        needed = EVENTS.get(event)
        return needed is None or not self.granted.isdisjoint(needed)

    def check(self, method: str, kinds: Iterable[str]) -> None:
        """Let a call pass; `kinds` are those of the conversations that it is about, if it is about any.

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
