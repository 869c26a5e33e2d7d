"""Installation by OAuth: who may install, how tokens are kept and rotated, and what ends them."""

import sqlite3
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
import requests
from sqlmodel import select

from handoff_bot.slack import installations
from handoff_bot.storage.models import Escalation
from handoff_bot.workspaces.process import Workspaces, read_process_settings
from handoff_sandbox.slack.teams import SlackTeams
from tests.desk.oddities import send_raw
from tests.desk.test_roles import Asking
from tests.workspaces.conftest import environment, oauth, serving, write_settings

DANA = "+15550001"


@pytest.fixture
def opened(sides, tmp_path, clock, unhurried):
    """Acme and beta may install the app; acme's folder names it, beta's names another team."""
    acme, beta = sides
    with SlackTeams([acme.slack, beta.slack]) as teams:
        write_settings(acme)
        write_settings(beta, SLACK_TEAM_ID="T0OTHER")
        environ = environment(acme.folder.parent, teams, **oauth(tmp_path))
        workspaces = Workspaces(read_process_settings(environ), environ, "web", clock)
        with serving(workspaces, acme, beta) as address:
            yield Opened(acme, beta, workspaces, teams, address, tmp_path)


class Opened:
    def __init__(self, acme, beta, workspaces, teams, address, tmp_path):
        self.acme, self.beta, self.workspaces = acme, beta, workspaces
        self.teams, self.address = teams, address
        self.file = tmp_path / "installations.db"

    def begin(self):
        """Where the install page sends the browser, and its cookies."""
        answer = requests.get(f"{self.address}/slack/install", timeout=9, allow_redirects=False)
        return answer.headers["Location"], answer.cookies

    def install(self, side, *, cookie=True):
        """A person installs the app; says the last page."""
        url, cookies = self.begin()
        back = urlsplit(self.teams.approve(url, side.slack))
        headers = {"Cookie": "; ".join(f"{one.name}={one.value}" for one in cookies)}
        answer = requests.get(
            f"{self.address}{back.path}?{back.query}", headers=headers if cookie else {}, timeout=9
        )
        self.workspaces.look()
        return answer

    def stored(self):
        """Everything in the store, as the disk has it."""
        with sqlite3.connect(self.file) as connection:
            return {
                table: connection.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608
                for table in ("slack_bots", "slack_installations", "slack_oauth_states")
            }

    def state(self, slug="acme"):
        return self.workspaces.states()[slug].name


def test_an_allowed_workspace_is_served_after_its_installation(opened):
    assert opened.state() == "not installed"
    assert opened.install(opened.acme).status_code == 200
    assert opened.state() == "running"
    assert opened.acme.customer_says("I want a person", DANA) == 200
    assert len(opened.acme.cards()) == 1


def test_tokens_are_only_stored_encrypted(opened):
    opened.install(opened.acme)
    token = opened.acme.slack.bot_token
    assert len(opened.stored()["slack_bots"]) == 1
    assert token not in str(opened.stored())
    assert opened.workspaces.at("acme").token.value == token


def test_a_workspace_that_is_not_listed_is_refused_and_left_again(opened):
    answer = opened.install(opened.beta)
    assert answer.status_code == 403
    assert opened.teams.uninstalled == [opened.beta.slack.team_id]
    assert opened.stored()["slack_bots"] == []


def test_another_browser_cannot_finish_an_installation(opened):
    assert opened.install(opened.acme, cookie=False).status_code == 400
    assert opened.stored()["slack_bots"] == []


def test_a_state_is_accepted_once(opened):
    url, cookies = opened.begin()
    headers = {"Cookie": "; ".join(f"{one.name}={one.value}" for one in cookies)}
    back = [urlsplit(opened.teams.approve(url, opened.acme.slack)) for _ in range(2)]
    found = [
        requests.get(f"{opened.address}{one.path}?{one.query}", headers=headers, timeout=9)
        for one in back
    ]
    assert [one.status_code for one in found] == [200, 401]


def test_the_public_page_cannot_fill_the_database(opened, monkeypatch):
    monkeypatch.setattr(installations, "MOST_STATES", 2)
    address = f"{opened.address}/slack/install"
    found = [requests.get(address, timeout=9, allow_redirects=False) for _ in range(4)]
    assert [one.status_code for one in found] == [302, 302, 429, 429]
    assert len(opened.stored()["slack_oauth_states"]) == 2


@contextmanager
def hours_later(monkeypatch, hours):
    """For the rotation; the tokens live for twelve hours."""

    class Later(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + timedelta(hours=hours)

    with monkeypatch.context() as patched:
        patched.setattr(installations, "datetime", Later)
        later = datetime.now(UTC).timestamp() + hours * 3600
        patched.setattr("slack_sdk.oauth.token_rotation.rotator.time", lambda: later)
        yield


def test_a_token_is_rotated_before_it_expires_and_used_at_once(opened, monkeypatch):
    opened.teams.rotates = True
    opened.install(opened.acme)
    first, core = opened.acme.slack.bot_token, opened.acme.core
    opened.workspaces.look()
    assert opened.acme.slack.bot_token == first
    with hours_later(monkeypatch, 11):
        opened.workspaces.look()
        opened.workspaces.look()
    second = opened.acme.slack.bot_token
    assert second != first
    assert opened.workspaces.at("acme").token.value == second
    assert opened.acme.core is core, "nothing was restarted"
    assert len(opened.stored()["slack_bots"]) == 1
    opened.acme.customer_says("I want a person", DANA)
    assert len(opened.acme.cards()) == 1


def test_a_failed_rotation_leaves_the_token(opened, monkeypatch):
    opened.teams.rotates = True
    opened.install(opened.acme)
    opened.teams._refreshes.clear()
    with hours_later(monkeypatch, 11):
        opened.workspaces.look()
    assert opened.workspaces.at("acme").token.value == opened.acme.slack.bot_token


def test_after_removal_no_call_is_made_and_a_waiting_customer_is_told(opened):
    opened.install(opened.acme)
    opened.acme.customer_says("I want a person", DANA)
    opened.acme.click(opened.acme.ana, "claim")
    opened.acme.customer_says("Are you there?", DANA)
    opened.teams.uninstall(opened.acme.slack)
    opened.workspaces.look()
    assert opened.state() == "cut off"
    seen = len(opened.acme.slack.journal.entries("slack"))
    opened.acme.settle()
    assert opened.acme.customer_says("Is anybody there?", DANA) == 200
    assert len(opened.acme.slack.journal.entries("slack")) == seen
    with opened.acme.database.read() as tx:
        assert [e.status for e in tx.session.execute(select(Escalation)).scalars()] == ["queued"]
    heard = [message.body for message in opened.acme.twilio.messages()]
    assert heard[-1].startswith("Our team is busy right now.")
    assert opened.stored()["slack_bots"] == []


def test_a_new_installation_goes_on_where_the_last_one_ended(opened):
    opened.install(opened.acme)
    opened.teams.uninstall(opened.acme.slack)
    opened.workspaces.look()
    opened.acme.customer_says("I want a person", DANA)
    assert opened.acme.cards() == []
    opened.install(opened.acme)
    assert opened.state() == "running"
    opened.acme.settle()
    assert len(opened.acme.cards()) == 1


def test_a_late_report_of_a_removal_does_not_end_a_new_installation(opened):
    opened.install(opened.acme)
    opened.teams.uninstall(opened.acme.slack)
    opened.install(opened.acme)
    opened.acme.slack.announce({"type": "app_uninstalled"})
    opened.workspaces.look()
    assert opened.state() == "running"


def test_the_removal_is_remembered_over_a_restart(opened, clock):
    opened.install(opened.acme)
    opened.teams.uninstall(opened.acme.slack)
    again = Workspaces(opened.workspaces._settings, opened.workspaces._environ, "web", clock)
    again.start()
    assert again.states()["acme"].name == "cut off"
    again.stop()


def test_a_click_on_a_message_of_another_installation_does_nothing(opened):
    acme = opened.acme
    opened.install(acme)
    acme.customer_says("I want a person", DANA)
    message = Asking(acme).click("claim", acme.ana)
    message["message"]["user"] = "U0OTHERBOT"
    assert send_raw(acme, message).status_code == 200
    acme.settle()
    with acme.database.read() as tx:
        assert [e.status for e in tx.session.execute(select(Escalation)).scalars()] == ["queued"]
    message["message"]["user"] = acme.slack.bot_user
    send_raw(acme, message)
    acme.settle()
    with acme.database.read() as tx:
        assert [e.status for e in tx.session.execute(select(Escalation)).scalars()] == ["claimed"]
