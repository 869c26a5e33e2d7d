"""Windows while they are filled in, and menus of messages that hold what was chosen."""

import pytest

from handoff_sandbox.slack import Attachment, Impossible
from tests.sandbox.slack.test_interactions import menu, option
from tests.sandbox.slack.test_windows import (
    button,
    field,
    modal,
    opened,
    sent,
)
from tests.sandbox.slack.wire import actions, refused

__all__ = ["opened", "sent"]

PNG = b"\x89PNG\r\n\x1a\n"


def values_of(body):
    return body["view"]["state"]["values"]


def test_a_click_tells_what_was_filled_in_so_far(slack, sent, opened, ana):
    view_id = opened(modal(field("note"), button("next")))
    slack.click_view(ana, view_id, "next", values={"note": "Half a"})
    assert values_of(sent[0])["note_block"]["note"]["value"] == "Half a"
    slack.submit(ana, view_id)
    assert values_of(sent[1])["note_block"]["note"]["value"] == "Half a"


def test_a_field_can_be_emptied_again(slack, sent, opened, ana):
    view_id = opened(
        modal(
            field("note", initial_value="Before", optional=True),
            field(
                "tags",
                "multi_static_select",
                optional=True,
                options=[option("A", "a")],
                initial_options=[option("A", "a")],
            ),
            field("when", "datetimepicker", optional=True, initial_date_time=1_800_000_000),
        )
    )
    slack.submit(ana, view_id, {"note": None, "tags": None, "when": None})
    values = values_of(sent[0])
    assert values["note_block"]["note"]["value"] is None
    assert values["tags_block"]["tags"]["selected_options"] == []
    assert values["when_block"]["when"]["selected_date_time"] is None


@pytest.mark.parametrize(
    ("kind", "choice", "key"),
    [
        pytest.param("multi_users_select", ["U1", "U2"], "selected_users", id="people"),
        pytest.param("multi_channels_select", ["C1"], "selected_channels", id="channels"),
        pytest.param("multi_conversations_select", ["C1"], "selected_conversations", id="anywhere"),
        pytest.param("datetimepicker", 1_800_000_000, "selected_date_time", id="date and time"),
        pytest.param("timepicker", "17:30", "selected_time", id="time"),
    ],
)
def test_what_was_chosen_is_sent(slack, sent, opened, ana, kind, choice, key):
    view_id = opened(modal(field("what", kind)))
    slack.submit(ana, view_id, {"what": choice})
    assert values_of(sent[0])["what_block"]["what"] == {"type": kind, key: choice}


def test_no_more_can_be_chosen_than_the_menu_takes(slack, opened, ana):
    view_id = opened(modal(field("who", "multi_users_select", max_selected_items=1)))
    with pytest.raises(Impossible, match="takes 1 at most"):
        slack.submit(ana, view_id, {"who": ["U1", "U2"]})


def test_files_are_put_into_a_window(slack, client, sent, opened, ana):
    view_id = opened(modal(field("files", "file_input", max_files=2, filetypes=["png"])))
    slack.submit(ana, view_id, {"files": [Attachment("a.png", PNG)]})
    (file,) = values_of(sent[0])["files_block"]["files"]["files"]
    assert (file["name"], file["mimetype"]) == ("a.png", "image/png")
    assert client.files_info(file=file["id"])["file"]["user"] == ana


@pytest.mark.parametrize(
    ("filtered", "shown"),
    [
        pytest.param({}, ["queue", "private", "direct"], id="no filter"),
        pytest.param({"filter": {"include": ["public"]}}, ["queue"], id="public"),
        pytest.param(
            {"filter": {"include": ["private", "im"]}}, ["private", "direct"], id="others"
        ),
        pytest.param({"filter": {"exclude_bot_users": True}}, ["queue", "private"], id="no apps"),
    ],
)
def test_a_menu_of_conversations_shows_what_its_filter_lets(
    slack,
    client,
    opened,
    sent,
    ana,
    ben,
    queue,
    filtered,
    shown,
):
    places = {
        "queue": queue,
        "private": slack.add_channel("private", [ana, ben], is_private=True),
        "direct": client.conversations_open(users=ana)["channel"]["id"],
        "not mine": slack.add_channel("hidden", [ben], is_private=True),
    }
    taken = []
    for name, place in places.items():
        view_id = opened(modal(field("where", "conversations_select", **filtered)))
        try:
            slack.submit(ana, view_id, {"where": place})
        except Impossible:
            continue
        taken.append(name)
    assert taken == shown


def test_a_menu_of_channels_shows_public_ones(slack, opened, ana):
    private = slack.add_channel("private", [ana], is_private=True)
    view_id = opened(modal(field("where", "channels_select")))
    with pytest.raises(Impossible, match="does not show"):
        slack.submit(ana, view_id, {"where": private})


def test_a_message_holds_what_was_chosen_in_it_before(slack, clicks, post, ana, ben, queue):
    card = post(
        actions(menu(options=[option("Ben", "b")])),
        actions(menu("datepicker", "take")),
    )
    slack.select(ana, queue, card, "assign", "b")
    slack.select(ana, queue, card, "take", "2027-01-01")
    first, second = clicks[1]["state"]["values"].values()
    assert first["assign"]["selected_option"]["value"] == "b"
    assert second["take"]["selected_date"] == "2027-01-01"
    assert set(slack.chosen(ana)) == {card}
    assert slack.chosen(ben) == {}


def test_all_windows_are_closed_at_once(slack, client, sent, opened, ana):
    opened(modal(title="Below"))
    trigger = slack._slack.triggers.give(ana)
    top = client.views_push(trigger_id=trigger, view=modal(notify_on_close=True))["view"]["id"]
    slack.close(ana, top, and_below=True)
    assert slack.views(ana) == []
    assert (sent[0]["type"], sent[0]["is_cleared"]) == ("view_closed", True)


# -- pictures


def picture(**slack_file):
    return {"type": "image", "alt_text": "Waiting by hour", "slack_file": slack_file}


@pytest.fixture
def upload(client):
    """Uploads a file that is shared nowhere; says what Slack knows of it."""

    def upload(name, **more):
        return client.files_upload_v2(content=PNG, filename=name, **more)["file"]

    return upload


def test_a_picture_of_the_workspace_stands_in_a_message_and_at_home(
    slack, client, upload, ana, queue
):
    file = upload("chart.png", alt_txt="A rising line")
    client.chat_postMessage(channel=queue, text="x", blocks=[picture(id=file["id"])])
    known = client.files_info(file=file["id"])["file"]
    assert known["alt_txt"] == "A rising line"
    home = {"type": "home", "blocks": [picture(url=known["url_private"])]}
    assert client.views_publish(user_id=ana, view=home)["ok"]


@pytest.mark.parametrize(
    "named",
    [
        pytest.param({"id": "F0NOTHING"}, id="no such file"),
        pytest.param({"url": "https://example.com/a.png"}, id="not ours"),
        pytest.param("F1", id="no object"),
    ],
)
def test_what_is_no_picture_of_the_workspace_is_refused(client, queue, named):
    block = {"type": "image", "alt_text": "x", "slack_file": named}
    error = refused(client.chat_postMessage, channel=queue, text="x", blocks=[block])
    assert error == "invalid_blocks"


def test_a_text_file_is_no_picture(client, upload, queue):
    file = upload("notes.txt")
    blocks = [picture(id=file["id"])]
    assert refused(client.chat_postMessage, channel=queue, text="x", blocks=blocks) == (
        "invalid_blocks"
    )


# -- Home


def test_a_home_tab_is_published_only_over_the_one_that_was_seen(slack, client, ana):
    view = {"type": "home", "blocks": [{"type": "divider"}]}
    first = client.views_publish(user_id=ana, view=view)["view"]["hash"]
    second = client.views_publish(user_id=ana, view=view, hash=first)["view"]["hash"]
    assert second != first
    assert refused(client.views_publish, user_id=ana, view=view, hash=first) == "hash_conflict"
    assert slack.home(ana)["hash"] == second
