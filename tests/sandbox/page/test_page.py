"""The sandbox's page from its server's side: the mirror, what can be done, who is refused."""

import base64
import json
import os
import re
import signal
import smtplib
import subprocess
import sys
import threading
from email.message import EmailMessage
from urllib.parse import urlsplit

import pytest
import requests

from handoff_sandbox.free_port import free_port
from handoff_sandbox.mailbox import KEPT
from handoff_sandbox.movable_time import FollowingClock, MovableTime
from handoff_sandbox.page.actions import _NAMES
from handoff_sandbox.page.mirror import Mirror
from handoff_sandbox.page.run import SECRETS, real_credentials, run
from handoff_sandbox.page.scripts import SCRIPTS
from handoff_sandbox.page.server import PageServer, origins
from handoff_sandbox.page.stage import Stage
from handoff_sandbox.page.switches import SWITCHES
from handoff_sandbox.world import ROOT

PATIENCE = 20
JSON = {"Content-Type": "application/json"}
DANA = "+15550123"
PICTURE = base64.b64encode(b"\x89PNG\r\n\x1a\n picture").decode()


@pytest.fixture
def stage(tmp_path):
    """A stage without a bot: what the page's server does by itself."""
    port = free_port()
    made = Stage(tmp_path, origins(port))
    page = PageServer(made, port).start()
    made.url = page.url
    yield made
    page.stop()
    made.stop()


@pytest.fixture
def http():
    with requests.Session() as session:
        session.trust_env = False
        yield session


def do(http, stage, action, /, **details):
    return http.post(f"{stage.url}/sandbox/api/do/{action}", json=details, timeout=PATIENCE).json()


def values(http, stage):
    return http.get(f"{stage.url}/sandbox/api/state", timeout=PATIENCE).json()["values"]


# -- what is seen


def test_an_e_mail_to_the_team_is_seen_and_stays_here(stage):
    letter = EmailMessage()
    letter["To"], letter["Subject"] = "ops@example.com", "Dana \u2013 is waiting"
    letter.set_content("<script>alert(1)</script>\n")
    letter.add_alternative("<p>Dana</p>", subtype="html")
    where = urlsplit(stage.mailbox.url)
    with smtplib.SMTP(where.hostname, where.port, timeout=PATIENCE) as smtp:
        smtp.send_message(letter, "handoff@example.com", ["ops@example.com"])
    (seen,) = stage.look()["mail"]
    assert (seen["to"], seen["subject"]) == ("ops@example.com", "Dana \u2013 is waiting")
    assert seen["text"] == "<script>alert(1)</script>"


def test_the_mailbox_keeps_the_newest_e_mails(stage):
    where = urlsplit(stage.mailbox.url)
    with smtplib.SMTP(where.hostname, where.port, timeout=PATIENCE) as smtp:
        for number in range(KEPT + 3):
            smtp.sendmail("a@example.com", ["b@example.com"], f"Subject: {number}\r\n\r\nx")
    letters = stage.mailbox.letters()
    assert len(letters) == KEPT
    assert letters[0].subject == str(KEPT + 2)


def test_approved_templates_can_be_sent(stage):
    sids = list(stage.twilio.account.templates)
    assert all(re.fullmatch("HX[0-9a-f]{32}", sid) for sid in sids)
    page = (ROOT / "docs" / "sandbox.md").read_text(encoding="utf-8")
    for sid, text in stage.twilio.account.templates.items():
        assert f"| `{sid}` | `{text}` |" in page


def test_the_state_is_the_whole_world(http, stage):
    seen = values(http, stage)
    assert seen["world"]["bot"]["state"] == "down"
    assert [person["real_name"] for person in seen["people"]] == ["Handoff", "Ana", "Ben", "Mia"]
    assert [one["name"] for one in seen["channels"]] == ["queue", "general"]
    assert seen["world"]["commands"][0]["command"] == "/handoff"
    assert len(seen["world"]["faults"]) == len(SWITCHES)
    assert f"phone:whatsapp:{DANA}" in seen


def test_what_is_done_is_seen(http, stage):
    channel = values(http, stage)["channels"][1]["id"]
    ana = stage.world.ana
    ts = do(http, stage, "slack.say", user=ana, channel=channel, text="hello")["result"]["ts"]
    do(http, stage, "slack.react", user=ana, channel=channel, ts=ts, name="eyes")
    do(http, stage, "slack.edit", user=ana, channel=channel, ts=ts, text="hello you")
    (said,) = values(http, stage)[f"channel:{channel}"]
    assert (said["text"], said["reactions"][0]["name"]) == ("hello you", "eyes")
    do(http, stage, "slack.delete", user=ana, channel=channel, ts=ts)
    assert values(http, stage)[f"channel:{channel}"] == []


def test_a_phone_keeps_what_the_bot_has_not_heard_and_says_so(http, stage):
    done = do(http, stage, "phone.write", app="sms", address=DANA, text="hi")
    assert done["ok"]
    assert "Is it down?" in done["result"]["unheard"]
    (message,) = values(http, stage)[f"phone:sms:{DANA}"]
    assert (message["direction"], message["body"]) == ("inbound", "hi")


def test_files_are_shown_only_when_they_are_pictures(http, stage):
    for content_type, shown in (
        ("image/png", True),
        ("text/html", False),
        ("image/svg+xml", False),
    ):
        file = {"name": "<x>.html", "content_type": content_type, "content": PICTURE}
        do(http, stage, "phone.write", app="whatsapp", address=DANA, text="", media=[file])
        media = values(http, stage)[f"phone:whatsapp:{DANA}"][-1]["media"][0]
        answer = http.get(stage.url + media["url"], timeout=PATIENCE)
        assert (answer.headers["Content-Type"] == content_type) is shown
        assert (answer.headers.get("Content-Disposition") == "attachment") is not shown
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_file_in_slack_can_be_fetched_again(http, stage):
    channel = values(http, stage)["channels"][1]["id"]
    file = {"name": "a.txt", "content_type": "text/plain", "content": PICTURE}
    do(http, stage, "slack.say", user=stage.world.ana, channel=channel, text="", files=[file])
    (said,) = values(http, stage)[f"channel:{channel}"]
    answer = http.get(stage.url + said["files"][0]["sandbox_url"], timeout=PATIENCE)
    assert answer.content == base64.b64decode(PICTURE)
    assert http.get(f"{stage.url}/sandbox/files/F0", timeout=PATIENCE).status_code == 404


def test_shortcuts_and_groups_are_known_to_the_page(http, stage):
    seen = values(http, stage)
    assert {one["type"] for one in seen["world"]["shortcuts"]} <= {"message", "global"}
    assert {one["callback_id"] for one in seen["world"]["shortcuts"]} >= {"show_queue"}
    assert [(group["handle"], len(group["members"])) for group in seen["groups"]] == [
        ("support", 2)
    ]


def test_channels_are_made_and_the_app_comes_and_goes(http, stage):
    ana, app = stage.world.ana, stage.slack.bot_user
    made = do(http, stage, "slack.create_channel", user=ana, name="urgent", is_private=True)
    channel = made["result"]["channel"]

    def members():
        (found,) = [one for one in values(http, stage)["channels"] if one["id"] == channel]
        return found["members"]

    assert ana in members()
    assert app not in members()
    assert do(http, stage, "slack.invite", user=ana, channel=channel)["ok"]
    assert app in members()
    assert do(http, stage, "slack.remove", user=ana, channel=channel)["ok"]
    assert app not in members()


def test_somebody_who_snoozes_by_the_worlds_time_is_shown(http, stage):
    do(http, stage, "clock", forward=3600)
    do(http, stage, "slack.snooze", user=stage.world.ana, minutes=30)
    (ana,) = [one for one in values(http, stage)["people"] if one["id"] == stage.world.ana]
    assert 0 < ana["dnd_until"] - stage.time.now() <= 1800
    do(http, stage, "slack.snooze", user=stage.world.ana, minutes=0)
    (ana,) = [one for one in values(http, stage)["people"] if one["id"] == stage.world.ana]
    assert ana["dnd_until"] == 0


def test_the_journal_is_numbered_and_says_whom_it_is_about(http, stage):
    do(http, stage, "phone.write", app="sms", address=DANA, text="hi")
    url = f"{stage.url}/sandbox/api/journal"
    entries = http.get(url, params={"after": 0}, timeout=PATIENCE).json()["entries"]
    assert [entry["number"] for entry in entries] == list(range(1, len(entries) + 1))
    webhook = next(entry for entry in entries if entry["path"] == "/webhooks/sms")
    assert webhook["about"] == [DANA]
    after = http.get(url, params={"after": len(entries)}, timeout=PATIENCE).json()
    assert after == {"entries": []}


def test_the_shop_names_the_bot_and_trusts_nobody_else(http, stage):
    answer = http.get(f"{stage.url}/shop/", timeout=PATIENCE)
    assert f"{stage.world.bot_url}/chat/widget.js" in answer.text
    policy = answer.headers["Content-Security-Policy"]
    assert f"script-src {stage.world.bot_url};" in policy
    assert "unsafe" not in policy


# -- what cannot be done


@pytest.mark.parametrize(
    ("name", "details", "words"),
    [
        ("nothing", {}, "Unknown action"),
        ("phone.write", {"app": "fax", "address": DANA, "text": "x"}, "app"),
        ("phone.write", {"app": "sms", "address": "+1", "text": "x"}, "No customer has the number"),
        ("phone.write", {"app": "sms", "address": DANA, "text": " "}, "Nothing to send"),
        ("phone.write", {"app": "sms", "address": DANA, "text": "x" * 20_000}, "text"),
        ("phone.write", {"app": "sms"}, "address"),
        ("phone.add", {"name": ""}, "name"),
        ("slack.say", {"user": "U9", "channel": "C9", "text": "x"}, "is not in"),
        ("slack.click", {"user": "U9", "channel": "C9", "ts": "1", "action_id": "x"}, "is not in"),
        ("slack.submit", {"user": "U9", "view_id": "V9", "values": {}}, ""),
        ("slack.close", {"user": "U9", "view_id": "V9"}, ""),
        ("slack.presence", {"user": "U9", "presence": "active"}, "U9"),
        ("slack.snooze", {"user": "U9", "minutes": 5}, "U9"),
        ("slack.snooze", {"user": "U9", "minutes": -5}, "minutes"),
        ("slack.invite", {"user": "U9", "channel": "C9"}, "C9"),
        ("slack.remove", {"user": "U9", "channel": "C9"}, "is not in"),
        ("slack.create_channel", {"user": "U9", "name": "Not so"}, "name"),
        ("slack.create_channel", {"user": "U9", "name": "queue"}, "already"),
        ("slack.suggest", {"user": "U9", "action_id": "x", "typed": "", "view_id": "V9"}, "V9"),
        ("fault", {"name": "meteor", "on": True}, "Unknown switch"),
        ("clock", {"forward": -5}, "forward"),
        ("clock", {"forward": 1e12}, "forward"),
        ("script", {"name": "hamlet"}, "Unknown script"),
        ("clock", {"forward": 1, "more": 2}, "more"),
    ],
)
def test_what_cannot_be_done_is_said_in_words(http, stage, name, details, words):
    done = do(http, stage, name, **details)
    assert done["ok"] is False
    assert words in done["error"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 421),
        ({"Host": "127.0.0.1:1"}, 421),
        ({"Origin": "http://evil.example"} | JSON, 403),
        ({"Origin": "null"} | JSON, 403),
        ({"Content-Type": "text/plain"}, 415),
        ({}, 415),
    ],
)
def test_strangers_are_refused(http, stage, headers, status):
    answer = http.post(
        f"{stage.url}/sandbox/api/do/bot.start", data="{}", headers=headers, timeout=PATIENCE
    )
    assert answer.status_code == status
    assert stage.bot_state() == "down"


def test_a_page_of_another_address_reads_nothing(http, stage):
    answer = http.get(
        f"{stage.url}/sandbox/api/state", headers={"Host": "evil.example"}, timeout=PATIENCE
    )
    assert answer.status_code == 421


# -- the mirror


def test_listeners_hear_what_changed_and_nothing_else():
    world = {"a": 1, "b": [1]}
    mirror = Mirror(lambda: world)
    mirror.refresh()
    one, other = mirror.stream(), mirror.stream()
    for stream in (one, other):
        assert data(next(stream)) == {"a": 1, "b": [1]}
    world["b"].append(2)
    del world["a"]
    mirror.refresh()
    for stream in (one, other):
        assert data(next(stream)) == {"a": None, "b": [1, 2]}
        stream.close()


def test_a_slow_listener_is_told_the_latest_alone():
    world = {"a": 0}
    mirror = Mirror(lambda: world)
    mirror.refresh()
    stream = mirror.stream()
    next(stream)
    for number in range(1000):
        world["a"] = number
        mirror.refresh()
    assert data(next(stream)) == {"a": 999}
    stream.close()


def test_a_mirror_that_stops_ends_its_streams():
    mirror = Mirror(dict).start()
    ended = threading.Event()
    stream = mirror.stream()
    thread = threading.Thread(target=lambda: (list(stream), ended.set()))
    thread.start()
    mirror.stop()
    assert ended.wait(PATIENCE)
    thread.join()


def data(event: str):
    (line,) = [line for line in event.splitlines() if line.startswith("data: ")]
    return json.loads(line.removeprefix("data: "))


# -- switches, clock, scripts


def test_every_switch_does_something_and_undoes_it(stage):
    switches, slack, twilio = stage.switches, stage.slack.faults, stage.twilio.faults
    for switch in SWITCHES:
        switches.turn(switch.name, on=True)
        paths = {
            "slack": "/api/chat.postMessage",
            "twilio": "/2010-04-01/Accounts/AC/Messages.json",
        }
        faults = {"slack": slack, "twilio": twilio}[switch.service]
        struck = [faults.strike(paths[switch.service]) for _ in range(50)]
        changed = any(fault.latency or fault.status or fault.drop for fault in struck)
        assert changed is (switch.fault is not None)
        for name, value in (switch.callbacks or {}).items():
            assert getattr(stage.twilio.callbacks, name) == value
        switches.turn(switch.name, on=False)
        assert not faults.strike(paths[switch.service]).is_outcome
        assert stage.twilio.callbacks.delay == 0


def test_the_clock_moves_forward_for_everybody(tmp_path):
    moved = MovableTime(tmp_path / "clock")
    bots = FollowingClock(tmp_path / "clock")
    before = bots.now()
    moved.forward(3600)
    assert 3600 <= (bots.now() - before).total_seconds() < 3660
    assert abs(moved.now() - bots.now().timestamp()) < 5
    moved.forward(-100)
    assert moved.offset == 3600


def test_every_script_has_words_and_a_name_of_its_own():
    assert len({script.name for script in SCRIPTS}) == len(SCRIPTS) == 8
    assert all(script.lines and script.label and script.help for script in SCRIPTS)


@pytest.mark.thorough
def test_a_real_bot_is_started_killed_and_started_again(http, stage):
    assert do(http, stage, "bot.start")["ok"]
    stage.world.wait_until_ready()
    do(http, stage, "phone.write", app="whatsapp", address=DANA, text="I want a human")
    stage.slack.wait_for(lambda: bool(stage.world.cards()), PATIENCE)
    do(http, stage, "clock", forward=25 * 3600)
    do(http, stage, "phone.write", app="sms", address=DANA, text="How long does delivery take?")
    stage.twilio.wait_for(lambda: bool(stage.twilio.phone(DANA)), PATIENCE)
    assert do(http, stage, "bot.kill")["ok"]
    assert stage.bot_state() == "down"
    do(http, stage, "bot.start")
    stage.world.wait_until_ready()
    people = do(http, stage, "script", name="angry-spanish")["result"]["addresses"]
    cards = stage.world.cards
    stage.slack.wait_for(lambda: any("Lucía" in card["text"] for card in cards()), PATIENCE)
    assert len(people) == 1


@pytest.mark.thorough
def test_the_sandboxes_bot_translates_once_an_admin_wants_it(http, stage):
    do(http, stage, "bot.start")
    stage.world.wait_until_ready()
    slack, world = stage.slack, stage.world
    slack.command(world.mia, world.queue, "/handoff", "settings translation")
    slack.wait_for(lambda: bool(slack.views(world.mia)), PATIENCE)
    wanted = {"translation.on": ["yes"], "translation.language": "en"}
    assert slack.submit(world.mia, slack.views(world.mia)[-1]["id"], wanted).errors == {}
    do(http, stage, "phone.write", app="sms", address=DANA, text="Quiero hablar con una persona")
    slack.wait_for(lambda: bool(world.cards()), PATIENCE)
    card = world.cards()[0]["ts"]

    def said():
        return str([message["text"] for message in slack.thread(world.queue, card)[1:]])

    slack.wait_for(lambda: "[English] Quiero hablar con una persona" in said(), PATIENCE)
    slack.click(world.ana, world.queue, card, "claim")
    slack.wait_for(lambda: "Ana took over" in said(), PATIENCE)
    slack.say(world.ana, world.queue, "Hello, I am Ana", card)
    slack.wait_for(lambda: "In Spanish: [Spanish] Hello, I am Ana" in said(), PATIENCE)
    stage.twilio.wait_for(
        lambda: "[Spanish] Hello, I am Ana" in str(stage.twilio.phone(DANA)), PATIENCE
    )


# -- which one runs


@pytest.mark.parametrize("name", SECRETS)
def test_the_sandbox_does_not_start_with_real_credentials(monkeypatch, name):
    said = []
    monkeypatch.setenv(name, "something-real")
    assert run(0, said.append) == 2
    assert name in said[0]
    assert "something-real" not in said[0]
    assert real_credentials({f"{name}_FILE": "/run/secrets/x"}) == [f"{name}_FILE"]


def test_a_taken_port_is_said_in_words(stage, monkeypatch):
    for name in SECRETS:
        monkeypatch.delenv(name, raising=False)
    said = []
    assert run(int(stage.url.rpartition(":")[2]), said.append) == 1
    assert "is taken" in said[0]


def bare(**more) -> dict[str, str]:
    ours = ("SLACK_", "TWILIO_", "OPENAI_", "WEBCHAT_")
    return {k: v for k, v in os.environ.items() if not k.startswith(ours)} | more


@pytest.mark.thorough
def test_without_credentials_the_one_command_opens_the_sandbox(http):
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "app.py"],
        cwd=ROOT,
        env=bare(PORT=str(port)),
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with process:
        line = next(line for line in process.stdout if "Open" in line)
        assert f"http://127.0.0.1:{port}/sandbox" in line
        assert http.get(f"http://127.0.0.1:{port}/sandbox", timeout=PATIENCE).status_code == 200
        state = http.get(f"http://127.0.0.1:{port}/sandbox/api/state", timeout=PATIENCE).json()
        bot = state["values"]["world"]["bot"]["url"]
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
    with pytest.raises(requests.ConnectionError):
        http.get(f"{bot}/healthz", timeout=2)


@pytest.mark.thorough
def test_with_any_credential_the_same_command_serves_for_real_or_says_what_is_missing():
    done = subprocess.run(
        [sys.executable, "app.py"],
        cwd=ROOT,
        env=bare(SLACK_BOT_TOKEN="xoxb-1"),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert "TWILIO_ACCOUNT_SID" in done.stderr


@pytest.mark.thorough
def test_serving_for_real_imports_no_sandbox():
    program = (
        "import sys; from handoff_bot import app, cli; "
        "print([name for name in sys.modules if 'sandbox' in name])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.strip() == "[]"


def test_actions_are_those_that_the_page_knows():
    api = (ROOT / "handoff_sandbox/web/src/api.ts").read_text(encoding="utf-8")
    declared = api.split("export interface Actions {")[1].split("\n}\n")[0]
    assert {
        name for name in _NAMES if f'"{name}"' in declared or f"\n  {name}:" in declared
    } == set(_NAMES)
