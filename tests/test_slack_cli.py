"""The Slack CLI's hooks, run as the CLI runs them: by the commands in .slack/hooks.json."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from handoff_bot.slack.manifest import hook_defaults, manifest
from handoff_sandbox.free_port import free_port
from handoff_sandbox.slack import SlackStandIn

pytestmark = pytest.mark.on_sqlite

ROOT = Path(__file__).resolve().parents[1]
BOUNDARY = "--a-boundary--"


def command_of(hook):
    """The command of a hook, as `get-hooks` names it."""
    first = json.loads((ROOT / ".slack/hooks.json").read_text(encoding="utf-8"))["hooks"]
    if hook in first:
        return arguments(first[hook])
    return arguments(json.loads(run(first["get-hooks"]))["hooks"][hook])


def arguments(command):
    python, *others = shlex.split(command)
    assert python == ".venv/bin/python"  # made by `make install`; the tests may run in another
    return [sys.executable, *others]


def run(command, *options):
    done = subprocess.run(
        [*arguments(command), *options],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return done.stdout


def test_get_hooks_names_commands_that_answer_with_the_manifest_for_socket_mode():
    first = json.loads((ROOT / ".slack/hooks.json").read_text(encoding="utf-8"))["hooks"]
    assert first.keys() == {"get-hooks"}
    found = json.loads(run(first["get-hooks"]))
    assert found["hooks"].keys() == {"get-manifest", "start"}
    assert found["config"]["protocol-version"][0] == "message-boundaries"
    assert found["config"]["sdk-managed-connection-enabled"] is True
    options = ("--protocol", "message-boundaries", "--boundary", BOUNDARY, "--source", "local")
    before, answer, after = run(found["hooks"]["get-manifest"], *options).split(BOUNDARY)
    assert (before, after.strip()) == ("", "")
    assert json.loads(answer) == manifest()
    assert json.loads(answer)["settings"]["socket_mode_enabled"] is True


def test_start_connects_by_socket_mode_with_the_tokens_of_the_cli_alone(tmp_path):
    slack = SlackStandIn(port=0).start()
    given = {
        "SLACK_CLI_XOXB": slack.bot_token,
        "SLACK_CLI_XAPP": slack.app_token,
        "SLACK_API_URL": slack.api_url,
        "DATABASE_URL": f"sqlite:///{tmp_path}/handoff.db",
        "PORT": str(free_port()),
        "PYTHONPATH": str(ROOT),
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
    }
    log = (tmp_path / "log").open("w")
    bot = subprocess.Popen(command_of("start"), cwd=ROOT, env=given, stdout=log, stderr=log)
    try:
        opened = slack.journal.wait_for(
            lambda entry: entry.path.endswith("/apps.connections.open") and entry.status == 200, 120
        )
        assert opened.direction == "in"
        assert bot.poll() is None
    finally:
        bot.terminate()
        bot.wait(60)
        log.close()
        slack.stop()


def test_start_without_the_tokens_of_the_cli_says_how_it_is_started():
    environ = {name: value for name, value in os.environ.items() if "SLACK" not in name}
    done = subprocess.run(
        command_of("start"),
        cwd=ROOT,
        env=environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 2
    assert "slack run" in done.stderr
    assert "SLACK_CLI_XOXB, SLACK_CLI_XAPP is not set" in done.stderr


def test_settings_of_ones_own_come_before_the_defaults():
    tokens = {"SLACK_CLI_XOXB": "xoxb-cli", "SLACK_CLI_XAPP": "xapp-cli"}
    own = {"SLACK_BOT_TOKEN": "xoxb-own", "TWILIO_ACCOUNT_SID": "AC1"}
    assert hook_defaults(tokens | own) == {"SLACK_APP_TOKEN": "xapp-cli"}
    added = hook_defaults(tokens | {"PORT": "3100", "SAMPLE_KNOWLEDGE": "0"})
    assert added["WEBCHAT_ORIGINS"] == "http://localhost:3100"
    assert added["SAMPLE_KNOWLEDGE"] == "0"
