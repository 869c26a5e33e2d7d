"""Access by token: the bot token for nearly everything, the app token only for a connection."""

from __future__ import annotations

import hmac

from handoff_sandbox.slack.state.refusal import Refusal

_APP_METHODS = frozenset({"apps.connections.open"})
_OPEN_METHODS = frozenset({"api.test"})


class Tokens:
    """The two tokens of the app, which can be revoked."""

    def __init__(self, bot: str, app: str) -> None:
        self._bot, self._app = bot, app
        self.is_revoked = False

    def check(self, method: str, token: str) -> None:
        """Checks the token of a call.

        Raises:
            Refusal: it is missing, unknown, revoked, or of the other type.
        """
        if method in _OPEN_METHODS:
            return
        if not token:
            raise Refusal("not_authed")
        if self.is_revoked and self.is_bot(token):
            raise Refusal("token_revoked")
        wanted, other = (self._bot, self._app)
        if method in _APP_METHODS:
            wanted, other = other, wanted
        if not _equal(token, wanted):
            raise Refusal("not_allowed_token_type" if _equal(token, other) else "invalid_auth")

    def grant(self, bot: str) -> None:
        """Replaces the bot token; the one before is no longer known."""
        self._bot, self.is_revoked = bot, False

    def is_bot(self, token: str) -> bool:
        """Whether it is the bot token."""
        return _equal(token, self._bot)


def _equal(one: str, other: str) -> bool:
    return bool(one) and hmac.compare_digest(one.encode(), other.encode())
