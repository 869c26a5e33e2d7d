"""Decides which events the app gets, and wraps them into Slack's envelope."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from handoff_sandbox.slack.payloads import Json
from handoff_sandbox.slack.state import events
from handoff_sandbox.slack.state.messages import SlackChannel
from handoff_sandbox.slack.state.scopes import Scopes
from handoff_sandbox.slack.state.workspace import Workspace

SUBSCRIPTIONS = frozenset(
    {
        "app_home_opened",
        "dnd_updated_user",
        "member_joined_channel",
        "member_left_channel",
        "message.channels",
        "message.groups",
        "message.im",
        "subteam_members_changed",
        "user_change",
    },
)
"""Default event subscriptions; names as in a manifest's bot_events."""

_MESSAGES = {"channel": "message.channels", "group": "message.groups", "im": "message.im"}


class Herald:
    """Passes events to `deliver` if the app is a member of the slack_channel and subscribed."""

    def __init__(
        self,
        workspace: Workspace,
        subscriptions: frozenset[str],
        scopes: Scopes,
        deliver: Callable[[Json], None],
    ) -> None:
        self.subscriptions = subscriptions
        self._scopes = scopes
        self._workspace = workspace
        self._deliver = deliver

    def announce(self, event: Json, where: SlackChannel) -> None:
        """Sends an event to the app, if it may receive it."""
        if self._workspace.app.user_id not in where.members:
            return
        for name, heard in self._named(event, where):
            self._tell(name, heard)

    def announce_everywhere(self, event: Json) -> None:
        """Sends an event without a slack_channel to the app, if it may receive it."""
        self._tell(event["type"], event)

    def _tell(self, name: str, event: Json) -> None:
        if name in self.subscriptions and self._scopes.hears(name):
            self._deliver(self.envelope(event))

    def _named(self, event: Json, where: SlackChannel) -> Iterator[tuple[str, Json]]:
        if event["type"] != "message":
            yield event["type"], event
            return
        yield _MESSAGES[where.kind], event
        mention = f"<@{self._workspace.app.user_id}>"
        is_said = "subtype" not in event and "bot_id" not in event
        if is_said and where.kind != "im" and mention in event["text"]:
            yield "app_mention", events.mentioned(event)

    def envelope(self, event: Json) -> Json:
        """Returns an event as the app gets it."""
        workspace = self._workspace
        authorization: dict[str, Any] = {
            "enterprise_id": None,
            "team_id": workspace.team_id,
            "user_id": workspace.app.user_id,
            "is_bot": True,
            "is_enterprise_install": False,
        }
        return {
            "token": "verification-token",
            "team_id": workspace.team_id,
            "api_app_id": workspace.app.app_id,
            "event": event,
            "type": "event_callback",
            "event_id": workspace.new_id("Ev"),
            "event_time": int(workspace.now()),
            "authorizations": [authorization],
            "is_ext_shared_channel": False,
            "event_context": f"4-{workspace.new_id('E')}",
        }
