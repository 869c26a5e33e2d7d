"""Settings in Slack: who may, what is refused, what counts from then on, and who changed what."""

import json

import pytest
from sqlmodel import select

from handoff_bot.domain.signals import Signal
from handoff_bot.domain.texts import Moment, allowed, languages, problem, say, usual
from handoff_bot.services.delivery.customer_texts import Text
from handoff_bot.services.settings_catalog import SECTIONS
from handoff_bot.storage.models import SettingChange
from tests.desk.conftest import words

pytestmark = pytest.mark.on_sqlite


@pytest.fixture
def admin(bureau):
    """Mia has the settings open."""
    bureau.command(bureau.mia, "settings")
    return bureau


def stored(bureau, key):
    return bureau.core.preferences.get(key, None)


def editing(bureau, moment="started", reason="any"):
    """Mia edits a customer text."""
    bureau.presses(bureau.mia, "settings_texts")
    if moment != "started":
        bureau.chooses(bureau.mia, "text_moment", moment)
    if reason != "any":
        bureau.chooses(bureau.mia, "text_reason", reason)
    return bureau.modal(bureau.mia)


def test_an_agent_who_is_no_admin_is_told_who_may(bureau):
    bureau.command(bureau.ana, "settings")
    assert any("Only admins can change settings" in said for said in bureau.whispers(bureau.ana))
    assert bureau.slack.views(bureau.ana) == []


def test_an_admin_can_make_others_admins(admin):
    admin.presses(admin.mia, "settings_open", "team")
    assert admin.sends(admin.mia, {"admins": [admin.ana]}).errors == {}
    admin.command(admin.ana, "settings")
    assert "Triggers" in words(admin.modal(admin.ana))


def test_who_is_no_admin_cannot_save_what_was_opened_by_one(admin):
    admin.core.preferences.change("admins", [admin.ana], "test")
    admin.command(admin.ana, "settings")
    admin.presses(admin.ana, "settings_open", "team")
    admin.core.preferences.change("admins", [], "test")
    admin.sends(admin.ana, {"hold_seconds": "3"})
    assert stored(admin, "hold_seconds") is None
    assert "Only admins can change settings" in words(admin.modal(admin.ana))


def test_sensitivities_count_from_then_on(admin):
    admin.presses(admin.mia, "settings_open", "triggers")
    admin.sends(admin.mia, {"rules.triggers:request": "off", "rules.always": "cancel my contract"})
    assert stored(admin, "rules.triggers")["request"] == "off"
    assert stored(admin, "rules.always") == ["cancel my contract"]
    admin.says("Please cancel my contract")
    assert len(admin.cards()) == 1


WRONG = {
    "too much": ("team", {"hold_seconds": "11"}, "Between 0 and 10."),
    "no number": ("team", {"hold_seconds": "soon"}, "Enter a whole number."),
    "too long": ("team", {"note.prefixes": "x" * 21}, "At most 20 characters per line."),
}


@pytest.mark.parametrize(("section", "values", "words_"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_is_refused_at_its_field_and_nothing_is_saved(
    admin, section, values, words_
):
    admin.presses(admin.mia, "settings_open", section)
    sent = admin.sends(admin.mia, values)
    (said,) = sent.errors.values()
    assert said.startswith(words_)
    with admin.database.read() as tx:
        assert tx.session.execute(select(SettingChange)).all() == []


@pytest.mark.on_both
def test_the_changes_are_shown_before_they_are_saved(admin):
    admin.presses(admin.mia, "settings_open", "team")
    admin.presses(admin.mia, "settings_check")
    assert "No changes." in words(admin.modal(admin.mia))
    sent = admin.sends(admin.mia, {"hold_seconds": "99", "csat": []})
    assert sent.errors == {"hold_seconds": "Between 0 and 10."}
    admin.presses(admin.mia, "settings_check")
    shown = words(admin.modal(admin.mia))
    assert "Seconds to hold replies before sending: Between 0 and 10." in shown
    assert "Send satisfaction survey\nyes → no" in shown
    admin.sends(admin.mia, {"hold_seconds": "3"})
    assert "Saved: Seconds to hold replies" in words(admin.modal(admin.mia))
    assert (stored(admin, "hold_seconds"), stored(admin, "csat")) == (3, False)


@pytest.mark.on_both
def test_a_window_that_somebody_else_overtook_is_not_saved(admin):
    admin.presses(admin.mia, "settings_open", "team")
    admin.core.preferences.change("hold_seconds", 7, "UBEN")
    sent = admin.sends(admin.mia, {"hold_seconds": "3"})
    assert "Another admin has changed these settings" in sent.errors["admins"]
    assert stored(admin, "hold_seconds") == 7


@pytest.mark.parametrize("section", [each.name for each in SECTIONS])
def test_saving_what_is_there_already_changes_nothing(admin, section):
    admin.presses(admin.mia, "settings_open", section)
    admin.sends(admin.mia)
    assert "No changes." in words(admin.modal(admin.mia))
    with admin.database.read() as tx:
        assert tx.session.execute(select(SettingChange)).all() == []


def test_a_section_can_be_opened_by_its_name(bureau):
    bureau.command(bureau.mia, "settings team")
    bureau.sends(bureau.mia, {"hold_seconds": "2"})
    assert "Saved: Seconds to hold replies" in words(bureau.modal(bureau.mia))
    bureau.command(bureau.mia, "settings texts")
    assert "Your wait time is approximately" in words(bureau.modal(bureau.mia))


def test_languages_are_chosen_by_name_and_one_stored_earlier_is_kept(admin):
    admin.core.preferences.change("rules.languages", ["en", "xx"], admin.mia)
    admin.presses(admin.mia, "settings_open", "triggers")
    (shown,) = [
        block["element"]
        for block in admin.modal(admin.mia)["blocks"]
        if block["block_id"] == "rules.languages"
    ]
    labels = {each["value"]: each["text"]["text"] for each in shown["options"]}
    assert (labels["de"], labels["xx"]) == ("German", "xx")
    admin.sends(admin.mia, {"rules.languages": ["en", "de", "xx"]})
    assert stored(admin, "rules.languages") == ["en", "de", "xx"]


@pytest.mark.on_both
def test_a_text_is_changed_with_a_preview_and_counts(admin):
    editing(admin)
    modal = admin.modal(admin.mia)
    assert "Your wait time is approximately 5 minutes." in words(modal)
    sent = admin.sends(admin.mia, {"text_words": "Ticket {ticket}: about {wait_minutes} minutes."})
    assert sent.errors == {}
    admin.says("I want a person")
    assert admin.heard() == ["Ticket 1: about 5 minutes."]


def test_a_text_for_one_reason_leaves_the_others(admin):
    editing(admin, reason="request")
    admin.sends(admin.mia, {"text_words": "You asked, {wait_minutes} minutes please."})
    admin.says("I want a person")
    assert admin.heard() == ["You asked, 5 minutes please."]
    admin.detector.words = {"angry": Signal.SENTIMENT}
    admin.says("I am angry", "+15550002")
    assert admin.heard("+15550002")[0].startswith("I'm connecting you")


REFUSED = {
    "a placeholder is missing": ("We are coming.", "Add the placeholder {wait_minutes}."),
    "one is unknown": ("{wait_minutes} {name}", "{name} cannot be used here."),
    "one is half": ("{wait_minutes} {", "A { or } is missing its counterpart."),
    "one digs": ("{wait_minutes} {agent.desk_id}", "{agent.desk_id} cannot be used here."),
    "one is formatted": ("{wait_minutes:9999}", "Placeholders are simple names"),
}


@pytest.mark.parametrize(("template", "why"), REFUSED.values(), ids=REFUSED)
def test_a_text_that_cannot_be_said_is_refused(admin, template, why):
    editing(admin)
    sent = admin.sends(admin.mia, {"text_words": template})
    assert why in next(iter(sent.errors.values()))
    assert stored(admin, "text.started.en.any") is None


def test_the_usual_text_comes_back(admin):
    editing(admin)
    admin.sends(admin.mia, {"text_words": "In {wait_minutes} minutes."})
    admin.presses(admin.mia, "text_usual")
    assert stored(admin, "text.started.en.any") is None
    assert "I'm connecting you" in str(admin.modal(admin.mia))


def test_the_preview_follows_what_is_typed(admin):
    editing(admin)
    admin.chooses(admin.mia, "text_words", "In about {wait_minutes} minutes: ticket {ticket}.")
    assert "In about 5 minutes: ticket 1042." in words(admin.modal(admin.mia))
    admin.chooses(admin.mia, "text_words", "Soon {name}")
    assert "{name} cannot be used here." in words(admin.modal(admin.mia))


def test_a_language_that_the_product_lacks_can_be_written(admin):
    editing(admin)
    admin.chooses(admin.mia, "text_language", "it")
    admin.sends(admin.mia, {"text_words": "Arriva una persona in {wait_minutes} minuti."})
    admin.detector.language = "it"
    admin.says("I want a person")
    assert admin.heard() == ["Arriva una persona in 5 minuti."]


def test_saving_an_unchanged_text_for_one_reason_makes_no_copy(admin):
    editing(admin)
    admin.sends(admin.mia, {"text_words": "In {wait_minutes} minutes."})
    admin.chooses(admin.mia, "text_reason", "request")
    admin.sends(admin.mia)
    assert stored(admin, "text.started.en.request") is None


def test_a_resolution_may_be_silent(admin):
    editing(admin, moment="resolved")
    admin.sends(admin.mia, {"silent.resolved": ["yes"]})
    admin.core.preferences.change("csat", False, "test")
    admin.says("I want a person")
    admin.click(admin.ana, "claim")
    before = list(admin.heard())
    admin.click(admin.ana, "resolve")
    admin.sends(admin.ana)
    assert admin.heard() == before


def test_a_moment_may_be_silent_where_customers_can_do_without(admin):
    editing(admin, moment="greeting")
    admin.sends(admin.mia, {"silent.greeting": ["yes"]})
    admin.says("I want a person")
    admin.click(admin.ana, "claim")
    assert admin.heard()[-1] == "Now speaking with Ana."
    admin.command(admin.mia, "settings")
    assert "silent" not in json.dumps(editing(admin, moment="taken"))


@pytest.mark.on_both
def test_the_history_says_who_changed_what(admin):
    admin.presses(admin.mia, "settings_open", "team")
    admin.sends(admin.mia, {"hold_seconds": "5"})
    admin.presses(admin.mia, "settings_open", "team")
    admin.sends(admin.mia, {"hold_seconds": "7"})
    admin.presses(admin.mia, "settings_history")
    shown = words(admin.modal(admin.mia))
    assert f"<@{admin.mia}>\nSeconds to hold replies before sending" in shown
    assert "5 → 7" in shown
    assert "(not set) → 5" in shown


def test_home_shows_admins_the_way(bureau):
    assert "Settings" in words(bureau.home(bureau.mia))
    assert "Settings" not in words(bureau.home(bureau.ana))


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("moment", Moment)
def test_the_products_own_texts_could_be_saved(language, moment):
    assert problem(moment, usual(moment, language)) == ""


def test_a_wait_is_never_one_minutes():
    assert "2 minutes" in say(Moment.STARTED, "en", wait_minutes=1)


def test_only_what_is_known_at_a_moment_can_be_said():
    assert "agent" in allowed(Moment.TAKEN)
    assert "agent" not in allowed(Moment.STARTED)
    assert allowed(Moment.STOPPED) == frozenset()


@pytest.mark.on_both
def test_a_text_that_somebody_else_changed_meanwhile_is_not_overwritten(admin):
    editing(admin)
    theirs = Text(Moment.STARTED, "en")
    admin.core.customer_texts.save(theirs, "Ben says {wait_minutes} minutes.", admin.ben)
    sent = admin.sends(admin.mia, {"text_words": "Mia says {wait_minutes} minutes."})
    assert any(
        "Another admin changed this in the meantime" in each for each in sent.errors.values()
    )
    assert admin.core.customer_texts.of(theirs).template == "Ben says {wait_minutes} minutes."


def test_after_saving_a_text_it_can_be_saved_again(admin):
    editing(admin)
    for words_ in ("One {wait_minutes}.", "Two {wait_minutes}."):
        assert admin.sends(admin.mia, {"text_words": words_}).errors == {}
    assert (
        admin.core.customer_texts.of(Text(Moment.STARTED, "en")).template == "Two {wait_minutes}."
    )


def test_who_has_just_lost_the_workspaces_admin_role_cannot_save(admin):
    admin.presses(admin.mia, "settings_open", "team")
    admin.slack.person(admin.mia).is_admin = False
    admin.sends(admin.mia, {"hold_seconds": "3"})
    assert stored(admin, "hold_seconds") is None


@pytest.mark.on_both
def test_an_export_leaves_a_trace(admin):
    admin.says("I want a person")
    admin.command(admin.mia, "tickets")
    admin.presses(admin.mia, "tickets_csv")
    admin.command(admin.mia, "audit")
    assert "exported a file: tickets" in words(admin.modal(admin.mia))


def test_the_history_speaks_of_promises_and_templates_in_words(admin):
    admin.core.preferences.change("sla", {"urgent.reply": 5}, admin.mia)
    admin.command(admin.mia, "settings history")
    shown = words(admin.modal(admin.mia))
    assert "SLA targets" in shown


# -- the AI's guidance


GUIDED = {
    "rules.company": "Hanna's Bikes",
    "rules.tone": None,
    "rules.never_discuss": "politics",
    "rules.guidance": "For refunds, ask for the order number.",
}


def test_guidance_is_tried_on_the_latest_questions_before_it_is_saved(admin):
    for number in range(11):
        admin.says(f"question {number}", f"+1555100{number:04}")
    sent, asked = len(admin.channel.phone), len(admin.assistant.asked)
    admin.presses(admin.mia, "settings_open", "guidance")
    view_id = admin.modal(admin.mia)["id"]
    admin.slack.click_view(admin.mia, view_id, "settings_ask", values=GUIDED)
    admin.settle()

    tried = admin.assistant.asked[asked:]
    assert {one.turns[-1].text for one in tried} == {f"question {n}" for n in range(1, 11)}
    assert {one.rules.guidance.never for one in tried} == {("politics",)}
    assert {one.contact_id for one in tried} == {None}
    assert "Answer to: question 10" in words(admin.modal(admin.mia))
    assert len(admin.channel.phone) == sent
    assert stored(admin, "rules.guidance") is None


def test_saved_guidance_counts_from_the_next_message(admin):
    admin.presses(admin.mia, "settings_open", "guidance")
    assert admin.sends(admin.mia, GUIDED).errors == {}
    admin.says("I want a refund")
    guidance = admin.assistant.asked[-1].rules.guidance

    assert guidance.lines == ("For refunds, ask for the order number.",)
    assert guidance.company == "Hanna's Bikes"


def test_admins_let_the_ai_read_files_and_without_a_key_the_settings_say_so(bureau):
    bureau.command(bureau.mia, "settings files")
    assert "No file is read" not in words(bureau.modal(bureau.mia))
    assert bureau.sends(bureau.mia, {"files.transcribe": ["yes"]}).errors == {}
    assert bureau.core.preferences.get("files.transcribe", False) is True
    assert bureau.core.preferences.get("files.pictures", False) is False
    object.__setattr__(bureau.core, "reads_files", False)
    bureau.command(bureau.mia, "settings files")
    assert "No file is read" in words(bureau.modal(bureau.mia))
