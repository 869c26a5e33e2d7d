"""What agents and admins do in Slack, chapter by chapter, answered exactly as tests/desk/recordings says."""

import json
from pathlib import Path

import pytest

from handoff_bot.slack.incoming.registry import EVERYTHING
from tests.desk import chapters, chapters_of_admins, chapters_of_rules
from tests.desk.recording import Recording
from tests.snapshots import as_json, check_file

CHAPTERS = chapters.CHAPTERS | chapters_of_rules.CHAPTERS | chapters_of_admins.CHAPTERS
FOLDER = Path(__file__).parent / "recordings"


@pytest.fixture
def backend() -> str:
    """What is said does not depend on the database; other tests see to that."""
    return "sqlite"


@pytest.mark.parametrize("name", CHAPTERS)
def test_all_that_is_said_in_slack_is_as_it_was(bureau, name):
    story = Recording(bureau)
    CHAPTERS[name](story)
    check_file(FOLDER / f"{name}.json", as_json(story.kept()))


def recorded() -> list[dict]:
    """Every step of every chapter."""
    files = sorted(FOLDER.glob("*.json"))
    return [step for file in files for step in json.loads(file.read_text("utf-8"))["steps"]]


def test_no_recording_is_left_over():
    assert {file.stem for file in FOLDER.iterdir()} == set(CHAPTERS)


def asked(what: str) -> set[str]:
    """The first words of what people clicked, sent, called or typed."""
    found = [each[what] for step in recorded() for each in step.get("asked", ()) if what in each]
    return {words.split(" ")[0].split(":")[0] for words in found}


def test_every_button_modal_command_shortcut_and_event_is_in_a_recording():
    clicks, menus = EVERYTHING.clicks.keys(), EVERYTHING.menus
    chosen = {
        each["click"].partition(" ")[2].partition(":")[0]
        for step in recorded()
        for each in step.get("asked", ())
        if each.get("click", "").partition(" ")[0] in menus
    }
    assert clicks - asked("click") - chosen == set()
    assert menus.keys() - asked("click") == set()
    assert EVERYTHING.views.keys() - asked("modal") == set()
    assert EVERYTHING.shortcuts.keys() - asked("shortcut") == set()
    assert EVERYTHING.commands.keys() - asked("command") == set()
    assert EVERYTHING.events.keys() - asked("event") == set()


def test_every_command_in_a_thread_is_in_a_recording():
    written = [step["step"].rpartition("writes in the thread: !")[2] for step in recorded()]
    assert EVERYTHING.thread_commands.keys() - {words.split(" ")[0] for words in written} == set()
