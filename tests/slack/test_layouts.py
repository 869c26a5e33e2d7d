"""A message whose layout Slack refuses goes in a plainer form, with the same content and safe."""

from dataclasses import replace

import pytest

from handoff_bot.domain.desk import Button, EphemeralMessage, Place, Post, PostKind
from handoff_bot.domain.errors import DeskError, DeskGone, DeskLayout
from handoff_bot.domain.files import File
from handoff_bot.slack.client.errors import LAYOUT
from handoff_bot.slack.kit.fields import modal
from handoff_bot.slack.kit.text import PLAINER, section
from tests.slack import builders
from tests.slack.builders import CARD_AT
from tests.slack.wire import Reply

POSTED = {"channel": "C0QUEUE", "ts": "1763888500.000200"}
HOSTILE = "my words <!channel> *bold* & <https://evil.example|click>"
DANA = Post(PostKind.CONTACT, HOSTILE, "Dana <@U1>", "sms")
FAILED = Post(PostKind.FAILURE, "It failed.", button=Button.RETRY, value="7")


def refused(api, method, code, times=1):
    for _ in range(times):
        api.fails(method, code)
    api.answers(method, **POSTED)


@pytest.mark.parametrize("code", sorted(LAYOUT))
def test_a_refused_post_is_said_as_text_with_the_same_words(api, desk, code):
    refused(api, "chat.postMessage", code, 2 if "metadata" in code else 1)
    assert desk.post(CARD_AT, [DANA], "work-1") == Place(POSTED["channel"], POSTED["ts"])
    sent = api.asked("chat.postMessage")[-1]
    assert "blocks" not in sent
    assert "my words" in sent["text"]
    assert "Dana" in sent["text"]


def test_text_only_neither_pings_nor_links_nor_formats(api, desk):
    refused(api, "chat.postMessage", "invalid_blocks")
    desk.post(CARD_AT, [DANA], "work-1")
    text = api.asked("chat.postMessage")[-1]["text"]
    assert "<" not in text
    assert "&lt;!channel&gt;" in text
    assert "*bold*" not in text


def test_what_several_posts_say_is_all_in_the_text(api, desk):
    refused(api, "chat.postMessage", "msg_blocks_too_long")
    said = [replace(DANA, text=f"line {n} " + "x" * 900) for n in range(5)]
    desk.post(CARD_AT, said, "work-1")
    text = api.asked("chat.postMessage")[-1]["text"]
    assert all(f"line {n} " in text for n in range(5))


def test_a_text_that_is_too_long_is_shortened(api, desk):
    refused(api, "chat.postMessage", "msg_too_long", 2)
    desk.post(CARD_AT, [replace(DANA, text="begin " + "x" * 7000)], "work-1")
    text = api.asked("chat.postMessage")[-1]["text"]
    assert "begin" in text
    assert len(text) < 3200


def test_refused_metadata_is_left_out_and_the_layout_stays(api, desk):
    refused(api, "chat.postMessage", "metadata_too_large")
    desk.post(CARD_AT, [DANA], "work-1")
    first, second = api.asked("chat.postMessage")
    assert "metadata" in first
    assert "metadata" not in second
    assert second["blocks"] == first["blocks"]


def test_buttons_stay_where_a_simpler_layout_is_taken(api, desk):
    refused(api, "chat.postMessage", "invalid_blocks")
    desk.post(CARD_AT, [FAILED], "work-1")
    sent = api.asked("chat.postMessage")[-1]
    kinds = [block["type"] for block in sent["blocks"]]
    assert kinds == ["section", "actions"]


def test_a_card_keeps_its_buttons_or_says_what_to_write(api, desk):
    refused(api, "chat.postMessage", "invalid_blocks")
    desk.render_card(builders.card(), None, "work-1")
    assert [b["type"] for b in api.asked("chat.postMessage")[-1]["blocks"]] == [
        "section",
        "actions",
    ]
    refused(api, "chat.postMessage", "invalid_blocks", 2)
    desk.render_card(builders.card(), None, "work-2")
    assert "!take" in api.asked("chat.postMessage")[-1]["text"]


def test_a_refused_redraw_falls_back_too(api, desk):
    refused(api, "chat.update", "invalid_blocks", 2)
    desk.render_card(builders.card(), CARD_AT, "")
    sent = api.asked("chat.update")[-1]
    assert sent["blocks"] == []
    assert builders.card().contact in sent["text"]


def test_a_refused_whisper_falls_back_too(api, desk):
    refused(api, "chat.postEphemeral", "invalid_blocks")
    desk.ephemeral(EphemeralMessage("U0ANA", CARD_AT, "Only for you."))
    sent = api.asked("chat.postEphemeral")[-1]
    assert ("blocks" in sent, sent["text"]) == (False, f"Only for you.\n{PLAINER}")


def test_mentions_still_call_people_in_text(api, desk):
    refused(api, "chat.postMessage", "invalid_blocks")
    desk.tell("C0QUEUE", Post(PostKind.TOLD, "Look at this.", mentions=("U0ANA",)), "work-1")
    assert api.asked("chat.postMessage")[-1]["text"] == f"<@U0ANA>\nLook at this.\n{PLAINER}"


def test_when_the_plainest_form_is_refused_the_refusal_is_final(api, desk):
    for _ in range(3):
        api.fails("chat.postMessage", "invalid_blocks")
    with pytest.raises(DeskLayout) as caught:
        desk.post(CARD_AT, [DANA], "work-1")
    assert caught.value.permanent


def test_a_block_that_the_workspace_lacks_is_tried_once_and_remembered(api, desk):
    lacking = {"messages": ["[ERROR] unsupported type: rich_text [json-pointer:/blocks/0/type]"]}
    body = {"ok": False, "error": "invalid_blocks", "response_metadata": lacking}
    api.will("chat.postMessage", Reply(body))
    for _ in range(2):
        api.answers("chat.postMessage", **POSTED)
        desk.post(CARD_AT, [DANA], "work-1")
    assert ["blocks" in sent for sent in api.asked("chat.postMessage")] == [True, False, False]


def test_a_layout_that_is_refused_once_is_tried_again_for_the_next_message(api, desk):
    for _ in range(2):
        refused(api, "chat.postMessage", "invalid_blocks")
        desk.post(CARD_AT, [DANA], "work-1")
    has_blocks = ["blocks" in sent for sent in api.asked("chat.postMessage")]
    assert has_blocks == [True, False, True, False]


def test_a_reply_that_slack_puts_beside_the_thread_is_taken_back(api, desk):
    api.answers(
        "chat.postMessage", **POSTED, message={"type": "message", "text": "x", "ts": POSTED["ts"]}
    )
    with pytest.raises(DeskGone):
        desk.post(CARD_AT, [DANA], "work-1")
    (deleted,) = api.asked("chat.delete")
    assert (deleted["channel"], deleted["ts"]) == (POSTED["channel"], POSTED["ts"])


def test_a_file_is_shown_with_a_plain_comment_where_blocks_are_refused(api, desk):
    url = f"{api.url}upload"
    api.answers("files.getUploadURLExternal", upload_url=url, file_id="F1")
    api.fails("files.completeUploadExternal", "invalid_blocks")
    desk.upload(CARD_AT, File("a.txt", "text/plain", b"hello"), DANA, "work-1")
    sent = api.asked("files.completeUploadExternal")[-1]
    assert "my words" in sent["initial_comment"]
    assert "<!channel>" not in sent["initial_comment"]


def test_other_refusals_are_not_tried_in_another_form(api, desk):
    api.fails("chat.postMessage", "messages_tab_disabled")
    with pytest.raises(DeskError):
        desk.post(CARD_AT, [DANA], "work-1")
    assert len(api.asked("chat.postMessage")) == 1


# -- modals


WARNS = modal("Rule", [section("As it is")], banner="⚠️ This rule never applies.")


def opened(api):
    return [[block["type"] for block in sent["view"]["blocks"]] for sent in api.asked("views.open")]


def test_a_modal_warns_by_an_alert_and_by_a_section_where_alerts_are_refused(api, desk):
    api.answers("views.open", view={"id": "V1"})
    api.fails("views.open", "invalid_arguments")
    for _ in range(2):
        api.answers("views.open", view={"id": "V2"})
    assert [desk.open_view("T1", WARNS) for _ in range(3)] == ["V1", "V2", "V2"]
    with_alert, without = ["alert", "section"], ["section", "section"]
    assert opened(api) == [with_alert, with_alert, without, without]
    sent = api.asked("views.open")[-1]["view"]["blocks"][0]["text"]["text"]
    assert sent == "⚠️ This rule never applies."


def test_a_modal_with_another_fault_does_not_switch_alerts_off(api, desk):
    for _ in range(2):
        api.fails("views.open", "invalid_arguments")
    with pytest.raises(DeskLayout):
        desk.open_view("T1", WARNS)
    api.answers("views.open", view={"id": "V1"})
    desk.open_view("T1", WARNS)
    assert opened(api)[-1] == ["alert", "section"]


def test_an_acknowledgement_has_an_alert_only_after_slack_has_shown_one(api, desk):
    """Slack says nothing to the app when it refuses an acknowledgement."""
    first = desk.layouts.acknowledged(WARNS)
    assert [block["type"] for block in first["blocks"]] == ["section", "section"]
    api.answers("views.open", view={"id": "V1"})
    desk.open_view("T1", WARNS)
    assert desk.layouts.acknowledged(WARNS) == WARNS
