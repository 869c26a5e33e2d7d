"""The command line with several workspaces."""

import json
import os

import pytest
from click.testing import CliRunner

from handoff_bot.cli import main
from handoff_bot.slack.manifest import distributed
from tests.workspaces.conftest import environment, write_settings

DANA = "+15550001"


@pytest.fixture
def run(house, monkeypatch):
    """Run a command as an operator of this process would."""
    for name in [one for one in os.environ if one.startswith(("SLACK_", "TWILIO_", "WEBCHAT_"))]:
        monkeypatch.delenv(name)
    for name, value in environment(house.root, house.teams).items():
        monkeypatch.setenv(name, value)
    return lambda *arguments: CliRunner().invoke(main, arguments)


def test_the_list_shows_each_workspace_and_what_is_wrong_with_it(house, run):
    house.acme.customer_says("I want a person", DANA)
    write_settings(house.beta, PORT="3000")
    shown = run("workspaces", "list").output
    assert "T0ACME" in shown
    assert "by token; 1 waiting customer, 0 failed jobs" in shown
    assert "PORT: belongs to the process" in shown
    assert DANA not in shown


def test_a_command_is_about_the_named_workspace(house, run):
    house.acme.customer_says("I want a person", DANA)
    exported = json.loads(
        run("--workspace", "acme", "tickets", "export", "--format", "json").output
    )
    assert len(exported) == 1
    assert (
        run("--workspace", "beta", "tickets", "export", "--format", "json").output.strip() == "[]"
    )
    assert os.environ["WORKSPACES_DIR"] == str(house.root), "the environment is as before"


def test_a_command_without_a_name_is_refused(house, run):
    refused = run("tickets", "export")
    assert refused.exit_code == 2
    assert "--workspace" in refused.output
    assert run("--workspace", "gamma", "tickets", "export").exit_code == 2


@pytest.mark.parametrize("command", ["serve", "run", "slack-hook", "workspaces", "sandbox", "demo"])
def test_what_is_of_the_process_is_refused_for_one_workspace(monkeypatch, command):
    monkeypatch.setenv("WORKSPACES_DIR", "no folder, and none is read")
    monkeypatch.setenv("HANDOFF_WORKSPACE", "acme")
    refused = CliRunner().invoke(main, [command])
    assert refused.exit_code == 2
    assert "HANDOFF_WORKSPACE" in refused.output


def test_the_doctor_looks_at_every_workspace(house, run):
    write_settings(house.beta)
    shown = run("workspaces", "doctor").output
    assert "acme: Slack" in shown
    assert "acme: Twilio" in shown
    assert "beta: not installed" in shown
    assert "xoxb-" not in shown


def test_all_databases_are_backed_up_into_a_new_folder(house, run, tmp_path):
    done = run("workspaces", "backup", str(tmp_path / "copies"))
    assert done.exit_code == 0
    assert sorted(one.name for one in (tmp_path / "copies").iterdir()) == [
        "acme.backup",
        "beta.backup",
    ]
    assert run("workspaces", "backup", str(tmp_path / "copies")).exit_code == 2


def test_a_removed_workspace_is_gone_and_the_other_stays(house, run):
    house.beta.customer_says("I want a person", DANA)
    assert "Nothing was deleted" in run("workspaces", "remove", "beta").output
    assert (house.beta.folder / "handoff.db").exists()
    done = run("workspaces", "remove", "beta", "--yes")
    assert done.exit_code == 0, done.output
    assert not (house.beta.folder / "handoff.db").exists()
    assert (house.beta.folder / "settings.env.removed").exists()
    house.workspaces.look()
    assert list(house.workspaces.states()) == ["acme"]


def test_the_manifest_for_several_workspaces_has_all_that_an_installation_needs():
    made = distributed("https://bot.example.com/")
    assert made["oauth_config"]["redirect_urls"] == ["https://bot.example.com/slack/oauth_redirect"]
    events = made["settings"]["event_subscriptions"]["bot_events"]
    assert {"app_uninstalled", "tokens_revoked"} <= set(events)
    assert made["settings"]["org_deploy_enabled"]
    assert made["settings"]["token_rotation_enabled"]
