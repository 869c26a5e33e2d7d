"""The setup checklist: what is left to decide, in Home and in the queue channel."""

import pytest
from slack_sdk import WebClient
from sqlmodel import select

from handoff_bot.services import home
from handoff_bot.services.home import SetupStep, StepId
from handoff_bot.storage.models import Escalation
from tests.desk.conftest import words
from tests.desk.test_first_day import all_away, mentions, prefers

pytestmark = pytest.mark.on_sqlite

TITLE = "Set up Handoff:"


def checklist(bureau, channel=""):
    """The checklists in the queue channel; one is updated, never posted again."""
    posts = bureau.slack.messages(channel or bureau.queue)
    return [m for m in posts if m["text"].startswith(("Setup of Handoff", "Setup is complete"))]


def started(bureau):
    bureau.core.first_steps.started()
    bureau.settle()


def ticked(bureau):
    return {step.id for step in bureau.core.first_steps.steps() if step.done}


def press(bureau, who, action, value):
    """Press a button of the checklist in Home."""
    view = bureau.home(who)
    bureau.slack.click_view(who, view["id"], action, value)
    bureau.settle()


def keep_all(bureau):
    for step in home.KEEPABLE:
        bureau.core.first_steps.keep(step, bureau.mia)


def test_admins_see_it_in_home_and_agents_do_not(bureau):
    assert TITLE in words(bureau.home(bureau.mia))
    assert TITLE not in words(bureau.home(bureau.ana))


@pytest.mark.on_both
def test_it_is_posted_in_the_queue_channel_at_the_start_and_once(bureau):
    started(bureau)
    started(bureau)
    (shown,) = checklist(bureau)
    assert TITLE in words(shown["blocks"])


def test_steps_that_are_done_are_ticked_and_have_no_buttons(bureau):
    started(bureau)
    assert {StepId.QUEUE_CHANNEL, StepId.AGENTS, StepId.NOTIFIED} <= ticked(bureau)
    shown = checklist(bureau)[0]
    assert "✅ Queue channel · ✅ Agents · ✅ Notifications" in words(shown["blocks"])
    values = [e["value"] for b in shown["blocks"] for e in b.get("elements", ()) if "value" in e]
    assert "team" not in values


def test_each_open_step_has_a_button_that_opens_what_there_is(bureau, monkeypatch):
    nothing_done = tuple(SetupStep(step, False, "What to do.") for step in StepId)
    monkeypatch.setattr(home.FirstSteps, "steps", lambda _steps: nothing_done)
    view, opened = bureau.home(bureau.mia), {}
    row = [e for b in view["blocks"] for e in b.get("elements", ()) if "value" in e]
    first, last = (next(i for i, e in enumerate(row) if e["value"] == v) for v in ("team", "all"))
    for button in row[first:last]:
        if button["action_id"] != "setup_keep":
            press(bureau, bureau.mia, button["action_id"], button["value"])
            opened[button["text"]["text"]] = bureau.modal(bureau.mia)["title"]["text"]
    assert opened == {
        "Choose agents": "Team",
        "Choose a group": "Waiting",
        "Notification rules": "Notifications",
        "Set hours": "Business hours",
        "Set up translation": "Translation",
        "Edit texts": "Customer texts",
        "Write articles": "Knowledge base",
        "Add templates": "Templates",
        "View queue": "Queue",
        "Pause the AI": "Triggers",
    }


def test_a_step_is_ticked_in_both_places_when_its_setting_is_saved(bureau):
    started(bureau)
    view = bureau.home(bureau.mia)
    bureau.slack.click_view(bureau.mia, view["id"], "settings_open", "hours")
    bureau.settle()
    bureau.sends(bureau.mia, {"hours.lines:mon": "9-17", "hours.timezone": "UTC"})
    assert "✅ Business hours" in words(bureau.slack.home(bureau.mia))
    assert "✅ Business hours" in words(checklist(bureau)[0]["blocks"])


def test_a_default_that_is_right_can_be_kept(bureau):
    press(bureau, bureau.mia, "setup_keep", "hours")
    assert StepId.HOURS in ticked(bureau)
    assert "✅ Business hours" in words(bureau.slack.home(bureau.mia))


def test_a_step_that_only_the_team_can_do_cannot_be_kept(bureau):
    bureau.core.first_steps.keep("test", bureau.mia)
    bureau.core.first_steps.keep("notified", bureau.mia)
    assert StepId.TEST not in ticked(bureau)


def test_the_test_message_is_ticked_when_an_agent_has_taken_over(bureau):
    bureau.says("I want a person")
    assert StepId.TEST not in ticked(bureau)
    bureau.click(bureau.ana, "claim")
    assert StepId.TEST in ticked(bureau)


def test_it_disappears_when_all_is_done_and_stays_away_after_a_restart(bureau):
    started(bureau)
    bureau.says("I want a person")
    bureau.click(bureau.ana, "claim")
    keep_all(bureau)
    started(bureau)
    assert "Setup is complete." in checklist(bureau)[0]["text"]
    assert TITLE not in words(bureau.home(bureau.mia))
    started(bureau)
    (shown,) = checklist(bureau)
    assert "claim" not in str(shown)


def test_it_can_be_dismissed_and_shown_again(bureau):
    started(bureau)
    press(bureau, bureau.mia, "setup_dismiss", "all")
    assert TITLE not in words(bureau.slack.home(bureau.mia))
    assert TITLE not in words(checklist(bureau)[0]["blocks"])
    bureau.command(bureau.mia, "setup")
    assert TITLE in words(bureau.slack.ephemerals(bureau.mia)[-1]["blocks"])
    assert TITLE in words(bureau.home(bureau.mia))


def test_an_agent_can_neither_keep_nor_dismiss_a_step(bureau):
    started(bureau)
    ts = checklist(bureau)[0]["ts"]
    for action, value in (("setup_keep", "hours"), ("setup_dismiss", "all")):
        bureau.slack.click(bureau.ana, bureau.queue, ts, action, value)
        bureau.settle()
    assert StepId.HOURS not in ticked(bureau)
    assert bureau.core.first_steps.is_open()
    assert any("Only admins" in said for said in bureau.whispers(bureau.ana))


def test_a_deleted_checklist_is_posted_again(bureau):
    started(bureau)
    client = WebClient(token=bureau.slack.bot_token, base_url=bureau.slack.api_url)
    client.chat_delete(channel=bureau.queue, ts=checklist(bureau)[0]["ts"])
    bureau.core.first_steps.keep("hours", bureau.mia)
    started(bureau)
    bureau.later(minutes=2)
    (shown,) = checklist(bureau)
    assert "✅ Business hours" in words(shown["blocks"])


def test_a_team_that_worked_before_gets_no_checklist(bureau):
    bureau.says("I want a person")
    bureau.click(bureau.ana, "claim")
    started(bureau)
    assert checklist(bureau) == []
    assert TITLE not in words(bureau.home(bureau.mia))


def test_it_looks_again_by_itself(bureau):
    started(bureau)
    bureau.core.first_steps.keep("texts", bureau.mia)
    bureau.core.scheduler.tick(home.TICK)
    bureau.settle()
    assert "✅ Customer texts" in words(checklist(bureau)[0]["blocks"])


# -- no agent would be notified


def alone(bureau):
    """The app is the only member of the queue channel."""
    for who in (bureau.ana, bureau.ben, bureau.mia):
        bureau.slack.part(who, bureau.queue)
    bureau.settle()


@pytest.mark.parametrize("why", ["alone", "off", "empty group", "mail only"])
def test_the_doctor_and_the_queue_channel_say_when_no_agent_would_be_notified(bureau, why):
    if why == "alone":
        alone(bureau)
    elif why == "off":
        prefers(bureau, mention__minutes=0)
    elif why == "empty group":
        prefers(bureau, ladder__group=bureau.slack.add_group("care", "Care", []))
    else:
        prefers(bureau, notices__rules=[{"when": {}, "to": {"emails": ["team@example.com"]}}])
    started(bureau)
    started(bureau)
    said = [m["text"] for m in bureau.slack.messages(bureau.queue)]
    warnings = [text for text in said if "No agent would be notified" in text]
    assert len([text for text in warnings if "Setup of" not in text]) == 1
    elsewhere = bureau.slack.add_channel("elsewhere", [bureau.mia])
    bureau.slack.command(bureau.mia, elsewhere, "/handoff", "doctor")
    bureau.settle()
    shown = words(bureau.modal(bureau.mia))
    assert "1 problem found." in shown
    assert "No agent would be notified of a new escalation" in shown


def test_it_is_said_again_the_next_day_and_no_longer_once_agents_would_be_notified(bureau):
    def warnings():
        said = (m["text"] for m in bureau.slack.messages(bureau.queue))
        return len([text for text in said if text.startswith("No agent would be notified")])

    prefers(bureau, mention__minutes=0)
    started(bureau)
    bureau.later(days=1)
    started(bureau)
    assert warnings() == 2
    prefers(bureau, mention__minutes=10)
    bureau.later(days=1)
    started(bureau)
    assert warnings() == 2


def test_what_the_doctor_calls_well_reaches_somebody(bureau):
    all_away(bureau)
    assert bureau.core.first_steps.notified().ok
    bureau.says("I want a person")
    bureau.later(minutes=2)
    assert mentions(bureau)


# -- the queue channel


@pytest.fixture
def unset(bureau):
    """SLACK_QUEUE_CHANNEL is empty."""
    bureau.slack_desk = bureau.core.handlers["desk.card"]._desk
    bureau.slack_desk._queue_channel = ""
    return bureau


@pytest.mark.on_both
def test_without_a_queue_channel_customers_wait_and_their_cards_appear_once_it_is_chosen(unset):
    unset.says("I want a person")
    started(unset)
    assert unset.cards() == []
    assert StepId.QUEUE_CHANNEL not in ticked(unset)
    unset.command(unset.mia, "here")
    unset.later(minutes=2)
    said = [m["text"] for m in unset.slack.messages(unset.queue)]
    assert not any("No agent would be notified" in text for text in said)
    assert [m["text"] for m in unset.cards()] == ["+15550001 is waiting on SMS: I want a person"]
    assert "✅ Queue channel" in words(checklist(unset)[0]["blocks"])
    unset.click(unset.ana, "claim")
    with unset.database.read() as tx:
        assert tx.session.execute(select(Escalation)).scalar_one().status == "claimed"


def test_the_question_at_an_invitation_sets_it_too(unset):
    care = unset.slack.add_channel("care", [unset.mia, unset.ana])
    unset.slack.invite_bot(care, unset.mia)
    unset.settle()
    ts = unset.slack.messages(care)[-1]["ts"]
    unset.slack.click(unset.mia, care, ts, "queue_here")
    unset.later(minutes=2)
    assert checklist(unset, care)
    unset.says("I want a person")
    assert any("is waiting on SMS" in m["text"] for m in unset.slack.messages(care))


def test_a_channel_without_the_app_cannot_be_chosen_and_agents_cannot_choose(unset):
    unset.command(unset.ana, "here")
    other = unset.slack.add_channel("other", [unset.mia])
    unset.slack.command(unset.mia, other, "/handoff", "here")
    unset.settle()
    assert unset.core.desk_channels.queue() == ""
    assert "Invite @Handoff" in unset.whispers(unset.mia)[-1]


def test_without_a_queue_channel_the_doctor_says_what_to_do(unset):
    unset.command(unset.mia, "doctor")
    assert "There is no queue channel yet." in words(unset.modal(unset.mia))
