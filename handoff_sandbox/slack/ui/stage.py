"""The base of all actions of people in Slack."""

from __future__ import annotations

from typing import Literal

from handoff_sandbox.slack.payloads import Json
from handoff_sandbox.slack.state.backstage import Backstage
from handoff_sandbox.slack.state.messages import Message, SlackChannel
from handoff_sandbox.slack.ui.elements import Impossible

Deliver = Literal["queue", "sync"]

SYNC_PATIENCE = 30.0
"""Timeout in seconds for the bot to receive an event."""


class Stage:
    """The base class.

    Args:
        deliver: "sync" makes all actions return only after the bot has received them.
    """

    def __init__(self, backstage: Backstage, deliver: Deliver) -> None:
        self._slack = backstage
        self._workspace = backstage.workspace
        self.deliver = deliver

    def drain(self, timeout: float) -> None:
        """Waits until no event and no retry is on its way to the bot.

        Raises:
            TimeoutError: not within `timeout` seconds.
        """
        self._slack.deliveries.drain(timeout)

    def _happened(self) -> None:
        if self.deliver == "sync":
            self.drain(SYNC_PATIENCE)

    def _entered(self, user: str, channel: str) -> SlackChannel:
        """Returns a slack_channel that this person is a member of."""
        where = self._workspace.channels.get(channel)
        if where is None or user not in where.members:
            raise Impossible(f"{user} is not in {channel}")
        return where

    def _seen(self, user: str, channel: str, ts: str) -> Message:
        """Returns a message that this person can see."""
        self._entered(user, channel)
        message = self._workspace.find_message(channel, ts)
        if message is None:
            raise Impossible(f"there is no message {ts} in {channel}")
        return message

    def _user(self, user: str) -> Json:
        """Returns the `user` of payloads."""
        person = self._workspace.people[user]
        name, team_id = person.name, person.team_id or self._workspace.team_id
        return {"id": user, "username": name, "name": name, "team_id": team_id}

    def _common(self) -> Json:
        """Returns the common fields of all interaction payloads."""
        workspace = self._workspace
        return {
            "token": "verification-token",
            "team": {"id": workspace.team_id, "domain": workspace.domain},
            "api_app_id": workspace.app.app_id,
            "enterprise": None,
            "is_enterprise_install": False,
        }
