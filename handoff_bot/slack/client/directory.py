"""Implements `Directory`, the source of roles: people, channel members and group members."""

from __future__ import annotations

from datetime import datetime, timedelta

from slack_sdk.web import WebClient

from handoff_bot.domain.roles import Home, Person
from handoff_bot.slack.client.errors import slack_errors
from handoff_bot.slack.client.people import Members, People


class SlackDirectory:
    """The port `Directory`. `quick` is a client that fails fast, for clicks."""

    def __init__(self, people: People, quick: WebClient) -> None:
        self._people = people
        self._quick = quick
        self._members = Members(quick)
        self._home: Home | None = None

    def home(self) -> Home:
        """The workspace of the bot, looked up once."""
        if self._home is None:
            with slack_errors():
                answer = self._quick.auth_test()
            self._home = Home(
                team_id=str(answer.get("team_id") or ""),
                enterprise_id=str(answer.get("enterprise_id") or ""),
                is_org_wide=bool(answer.get("is_enterprise_install")),
            )
        return self._home

    def person(
        self, desk_id: str, now: datetime, max_age: timedelta, trusted: timedelta
    ) -> Person | None:
        """Returns a person; None if Slack does not know them."""
        return self._people.account(desk_id, now, max_age, trusted)

    def is_in(self, desk_id: str, slack_channel: str, now: datetime, trusted: timedelta) -> bool:
        """Whether a person is a member of a Slack channel."""
        return self._members.is_in(desk_id, slack_channel, now, trusted)

    def is_in_group(self, desk_id: str, group_id: str, now: datetime, trusted: timedelta) -> bool:
        """Whether a person is a member of a user group."""
        return self._members.is_in_group(desk_id, group_id, now, trusted)

    def forget_person(self, desk_id: str) -> None:
        """Drops what is cached about a person."""
        self._people.forget(desk_id)

    def forget_channel(self, slack_channel: str) -> None:
        """Drops what is cached about a Slack channel, after a person joined or left it."""
        self._members.forget(slack_channel)
