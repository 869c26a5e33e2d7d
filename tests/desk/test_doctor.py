"""The doctor in Slack: what is missing, in words, and in which channels."""

from datetime import date
from types import SimpleNamespace

import pytest

from handoff_bot.domain.language_models import Look, Trouble
from handoff_bot.domain.results import CheckResult
from handoff_bot.services.ai_turns.language_model import ModelPart, Watch
from handoff_bot.services.outbox.slack_channels import Purpose
from handoff_bot.slack.manifest import SCOPES
from handoff_bot.storage.models import DeskChannel
from tests.desk.conftest import words

pytestmark = pytest.mark.on_sqlite


@pytest.mark.on_both
def test_all_is_well(bureau):
    bureau.command(bureau.mia, "doctor")
    shown = words(bureau.modal(bureau.mia))
    assert "Everything looks good." in shown
    assert f"<#{bureau.queue}>" in shown


def test_what_is_missing_is_said_with_what_it_is_for(bureau):
    bureau.slack.scopes.granted = tuple(one for one in SCOPES if one != "pins:write")
    bureau.command(bureau.mia, "settings")
    bureau.presses(bureau.mia, "doctor_show")
    shown = words(bureau.modal(bureau.mia))
    assert "1 problem found." in shown
    assert "missing pins:write (to pin the board)" in shown
    assert "not granted: chat:write.customize (to show customers' messages" in shown


def test_a_channel_that_we_are_not_in_is_named(bureau):
    urgent = bureau.slack.add_channel("urgent", [bureau.mia])
    bureau.core.desk_channels.choose(urgent, Purpose.URGENT, bureau.mia)
    bureau.command(bureau.mia, "doctor")
    shown = words(bureau.modal(bureau.mia))
    assert f"channel for urgent conversations {urgent}" in shown
    assert "type /invite @Handoff in it" in shown


def test_a_suspended_channel_says_why(bureau):
    care = bureau.slack.add_channel("care", [bureau.slack.bot_user, bureau.mia])
    with bureau.database.write() as tx:
        now = bureau.clock.now()
        row = DeskChannel(slack_channel=care, purpose="queue", added_at=now)
        row.suspended_at, row.suspended_why = now, "The channel is archived."
        tx.add(row)
    bureau.command(bureau.mia, "doctor")
    assert "post there: The channel is archived." in words(bureau.modal(bureau.mia))


def test_closing_the_window_meanwhile_does_no_harm(bureau):
    bureau.slack.command(bureau.mia, bureau.queue, "/handoff", "doctor")
    bureau.slack.close(bureau.mia, bureau.modal(bureau.mia)["id"])
    bureau.settle()
    assert bureau.slack.views(bureau.mia) == []


def test_it_says_whether_words_are_translated(bureau):
    bureau.command(bureau.mia, "doctor")
    assert "off; admins can turn it on" in words(bureau.modal(bureau.mia))
    bureau.core.preferences.change("translation.on", True, bureau.mia)
    bureau.command(bureau.mia, "doctor")
    assert "on; the team speaks English" in words(bureau.modal(bureau.mia))


def test_translation_without_a_key_is_a_mistake_once_it_is_switched_on(bureau):
    bureau.core.interpreter._translator = None
    bureau.command(bureau.mia, "doctor")
    shown = words(bureau.modal(bureau.mia))
    assert "Everything looks good." in shown
    assert "no language model is set up (OPENAI_API_KEY)" in shown
    bureau.core.preferences.change("translation.on", True, bureau.mia)
    bureau.command(bureau.mia, "doctor")
    assert "1 problem found." in words(bureau.modal(bureau.mia))


def watched(bureau, look):
    """The desk with a language model that answers so."""
    probe = SimpleNamespace(look=lambda: look)
    watch = Watch(bureau.database, bureau.clock, look.model)
    part = ModelPart(watch, probe)
    bureau.core.model._part = part
    return watch


def test_it_asks_the_language_model_and_says_why_it_does_not_answer(bureau):
    watched(bureau, Look("gpt-6-luna", Trouble.QUOTA, "HTTP 429"))
    bureau.command(bureau.mia, "doctor")
    shown = words(bureau.modal(bureau.mia))
    assert "1 problem found." in shown
    assert "gpt-6-luna does not respond, so answers are local." in shown
    assert "quota is used up" in shown


def test_it_says_when_the_model_is_switched_off(bureau):
    watched(bureau, Look("gpt-5-mini", shutdown=date(2026, 12, 11)))
    bureau.command(bureau.mia, "doctor")
    shown = words(bureau.modal(bureau.mia))
    assert "gpt-5-mini answered a question" in shown
    assert "shuts down gpt-5-mini on 2026-12-11" in shown


def test_admins_and_the_queue_channel_read_in_slack_that_answers_are_local(bureau):
    watch = watched(bureau, Look("gpt-6-luna"))
    for _ in range(4):
        watch.failed(Trouble.MODEL, "HTTP 404")
        bureau.later(minutes=1)
    posted = [message["text"] for message in bureau.slack.messages(bureau.queue)]
    assert [one for one in posted if "The language model has not responded since" in one]


def test_it_also_checks_what_is_connected_besides_slack(bureau):
    found = CheckResult("Twilio: SMS +1555····", False, "'A message comes in' is not set")
    object.__setattr__(bureau.core, "connected_checks", lambda: iter([found]))
    bureau.command(bureau.mia, "doctor")
    shown = words(bureau.modal(bureau.mia))
    assert "1 problem found." in shown
    assert "❌ Twilio: SMS +1555····" in shown
    assert "'A message comes in' is not set" in shown


def test_a_check_that_fails_by_a_bug_loses_no_other_result(bureau):
    def checks():
        yield CheckResult("disk", True, "9.0 GB free")
        raise ValueError("Invalid IPv6 URL")

    object.__setattr__(bureau.core, "connected_checks", checks)
    object.__setattr__(bureau.core, "first_steps", None)
    bureau.command(bureau.mia, "doctor")
    shown = words(bureau.modal(bureau.mia))
    assert "3 problems found." in shown
    assert "connections" in shown
    assert "could not be checked (ValueError)" in shown
    assert "could not be checked (AttributeError)" in shown
    assert "9.0 GB free" in shown


def test_it_says_who_is_told_of_failures(bureau):
    bureau.command(bureau.mia, "doctor")
    assert "the queue channel; to tell admins, name them" in words(bureau.modal(bureau.mia))
    bureau.core.preferences.change("admins", [bureau.mia], bureau.mia)
    bureau.command(bureau.mia, "doctor")
    assert "1 admin named in the settings" in words(bureau.modal(bureau.mia))
