"""The wheel works in an empty environment and in an empty folder, with nothing but what it declares."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
import requests

from handoff_bot import __version__
from handoff_sandbox.free_port import free_port
from handoff_sandbox.world import KNOWLEDGE, World
from tests.docs.pages import ROOT
from tests.release import offline

PATIENCE = 30
"""Seconds that a command may take to begin or to end on a busy machine."""
TOGETHER = {"handoff_bot", "handoff_sandbox"}


def bare(**more: str) -> dict[str, str]:
    """An environment without settings and without a path to the checkout."""
    return {"PATH": os.defpath, "LANG": "C.UTF-8"} | more


def handoff(
    installed: Path, folder: Path, *arguments: str, environ: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [installed / "bin" / "handoff", *arguments],
        cwd=folder,
        env=environ or bare(),
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=4 * PATIENCE,
        check=False,
    )


def record(installed: Path) -> set[str]:
    """The files that the wheel put into site-packages."""
    found = offline.distribution_in(offline.site_packages(installed))
    names = {str(file) for file in found.files or []}
    return {name for name in names if not name.startswith("..") and "__pycache__" not in name}


class Installed(World):
    """The bot is the installed one, in an empty folder, and not the checkout's."""

    def __init__(self, installed: Path, folder: Path) -> None:
        super().__init__("sqlite:///handoff.db", knowledge=KNOWLEDGE, log=folder.parent / "log")
        self._installed, self._folder = installed, folder
        del self._settings["KNOWLEDGE_DIR"]

    def environment(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        return bare(**self._settings, **(more or {}))

    def start_bot(self, arguments=("serve",), more=None) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [self._installed / "bin" / "handoff", *arguments],
                cwd=self._folder,
                env=self.environment(more),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )


def until_it_answers(http: requests.Session, url: str) -> None:
    """The sandbox starts the bot as a process of its own, which takes a moment."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            assert http.get(url, timeout=PATIENCE).status_code == 200
        except requests.ConnectionError:
            threading.Event().wait(0.05)
        else:
            return
    pytest.fail(f"{url} does not answer")


@pytest.fixture
def world(installed, empty):
    with Installed(installed, empty) as made:
        yield made


def test_only_our_two_packages_are_installed_at_the_top(installed):
    tops = {name.partition("/")[0] for name in record(installed)}
    assert {top for top in tops if not top.endswith(".dist-info")} == TOGETHER


def test_the_wheel_holds_every_file_of_the_packages_and_nothing_else(installed):
    found = {
        str(Path(folder, name).relative_to(ROOT))
        for package in sorted(TOGETHER)
        for folder, _, names in os.walk(ROOT / package, followlinks=True)
        for name in names
    }
    left_out = (
        "__pycache__",
        "handoff_sandbox/web/",
        "handoff_bot/web/widget/",  # what widget_bundle.js is built from
        "handoff_bot/jobs/README.md",
    )
    wanted = {name for name in found if not any(part in name for part in left_out)}
    assert {name for name in record(installed) if ".dist-info" not in name} == wanted


def test_no_module_of_the_repository_is_imported_by_another_name_than_the_installed_one():
    pattern = re.compile(r"^\s*(?:from|import) (?:app|channels)\b", re.MULTILINE)
    folders = ("handoff_bot", "handoff_sandbox", "channels", "tests", "bench")
    files = [ROOT / "app.py", *(file for name in folders for file in (ROOT / name).rglob("*.py"))]
    assert [file for file in files if pattern.search(file.read_text(encoding="utf-8"))] == []


def test_a_source_archive_makes_the_same_wheel(tmp_path):
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", str(tmp_path)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (archive,) = tmp_path.glob("*.tar.gz")
    ours = offline.build(tmp_path / "ours")
    theirs = offline.build(tmp_path / "theirs", archive)
    assert theirs.read_bytes() == ours.read_bytes()


def test_a_build_leaves_nothing_in_the_checkout(tmp_path):
    before = sorted(os.listdir(ROOT))
    offline.build(tmp_path)
    assert sorted(os.listdir(ROOT)) == before


def test_the_version_is_printed(installed, empty):
    assert (
        handoff(installed, empty, "--version").stdout.strip() == f"handoff, version {__version__}"
    )


def test_the_demo_plays_to_its_end(installed, empty):
    done = handoff(installed, empty, "demo")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "The demo is complete" in done.stdout
    assert not list(empty.iterdir())


COMMANDS = {
    ("report",): "No escalations",
    ("report", "--json"): '"escalations": 0',
    ("tickets", "export"): "number",
    ("canned", "export"): "name,language,text",
    ("jobs", "list"): "No failed jobs.",
    ("spending",): "cost",
    ("tune",): "threshold",
    ("knowledge", "check"): "0 skipped.",
    ("manifest",): '"display_information"',
    ("judge",): "",
    ("evaluate", "--sample"): "questions right",
    ("replay", "--sample"): "10 conversations",
}


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_command_that_needs_no_credentials_asks_for_none(installed, empty, command):
    done = handoff(installed, empty, *command)
    assert done.returncode == 0, done.stderr
    assert COMMANDS[command] in done.stdout


def test_serving_names_all_that_is_missing(installed, empty):
    done = handoff(installed, empty, "serve")
    assert done.returncode == 2
    assert "SLACK_BOT_TOKEN" in done.stderr
    assert "KNOWLEDGE_DIR" not in done.stderr
    assert "Traceback" not in done.stderr


def test_serve_answers_a_customer_from_the_sample_articles_where_they_are_allowed(world):
    world.start_bot()
    world.wait_until_ready(PATIENCE)
    world.twilio.customer_writes("sms", "+15550177", "How long does delivery take?")
    world.twilio.wait_for(lambda: len(world.twilio.phone("+15550177")) == 1, PATIENCE)
    assert "2 to 4 working days" in world.twilio.phone("+15550177")[0].body
    world.stop_bot()
    assert '"event": "stopped"' in world.log()


def test_the_doctor_finds_everything_well(world, installed, empty):
    done = handoff(installed, empty, "doctor", environ=world.environment())
    assert (done.returncode, "FAIL" in done.stdout) == (0, False), done.stdout + done.stderr


def test_the_sandbox_opens_with_its_page_its_shop_and_the_chat(installed, empty):
    port = free_port()
    with subprocess.Popen(
        [installed / "bin" / "handoff", "sandbox"],
        cwd=empty,
        env=bare(PORT=str(port)),
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            assert any("Open http" in line for line in process.stdout)
            page = f"http://127.0.0.1:{port}"
            with requests.Session() as http:
                http.trust_env = False
                for path in ("sandbox", "sandbox/assets/index.js", "shop/"):
                    answer = http.get(f"{page}/{path}", timeout=PATIENCE)
                    assert answer.status_code == 200, path
                state = http.get(f"{page}/sandbox/api/state", timeout=PATIENCE).json()
                bot = state["values"]["world"]["bot"]["url"]
                until_it_answers(http, f"{bot}/chat/widget.js")
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
    assert not list(empty.iterdir())


def test_reports_are_made_of_the_data_that_the_bot_stored(world, installed, empty):
    world.start_bot()
    world.wait_until_ready(PATIENCE)
    world.twilio.customer_writes("sms", "+15550177", "I want to talk to a person")
    world.slack.wait_for(lambda: bool(world.cards()), PATIENCE)
    world.stop_bot()
    assert json.loads(handoff(installed, empty, "report", "--json").stdout)["escalations"] == 1
    assert "+15550177" in handoff(installed, empty, "tickets", "export", "--no-bom").stdout
