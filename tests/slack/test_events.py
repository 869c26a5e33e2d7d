"""What is written, changed and deleted in threads, and what is not for customers at all."""

from dataclasses import dataclass, field

import pytest

from handoff_bot.domain.desk import AgentRef, Place, ThreadReply
from handoff_bot.domain.files import DeskFile
from handoff_bot.slack.incoming.events import handle_event
from tests.fakes import FakeDesk
from tests.slack.payloads import OUR_USER, THREAD, changed, deleted, event, message

PLACE = Place("C0QUEUE", THREAD)
TS = "1763888460.000300"


@dataclass
class Heard:
    """What the core was told."""

    replies: list[ThreadReply] = field(default_factory=list)
    edits: list[tuple[Place, str, str]] = field(default_factory=list)
    deletions: list[tuple[Place, str]] = field(default_factory=list)

    def reply(self, reply):
        self.replies.append(reply)

    def edited(self, place, ts, text, marked=""):
        self.edits.append((place, ts, text))

    def deleted(self, place, ts):
        self.deletions.append((place, ts))


@pytest.fixture
def heard() -> Heard:
    return Heard()


def happens(heard, payload):
    handle_event(payload, heard, FakeDesk(), {})


def test_a_reply_in_a_thread_is_heard(heard):
    happens(heard, event(text="*Hello* &amp; welcome, <@U0BEN> :smile:"))
    author = AgentRef("U0ANA", "U0Ana")
    words = "Hello & welcome, @U0Ben 😄"
    assert heard.replies == [
        ThreadReply(PLACE, TS, author, words, marked="*Hello* & welcome, @U0Ben 😄")
    ]


REPLIES = {
    "words": {},
    "a file with words": {"subtype": "file_share", "files": [{"name": "a.pdf"}]},
    "also to the channel": {"subtype": "thread_broadcast"},
    "an action": {"subtype": "me_message"},
    "from another organisation": {"user": "W0BEN", "user_team": "E0OTHER"},
}


@pytest.mark.parametrize("changes", REPLIES.values(), ids=REPLIES)
def test_what_people_write_in_a_thread_is_heard_once(heard, changes):
    happens(heard, event(**changes))
    assert [reply.text for reply in heard.replies] == ["Hello!"]


LOST = {
    "no longer there": ({"id": "F1", "mode": "tombstone"}, "a file"),
    "hidden by the plan": ({"id": "F1", "mode": "hidden_by_limit", "name": "a.pdf"}, "a.pdf"),
    "linked from elsewhere": ({"id": "F1", "is_external": True, "title": "A plan"}, "A plan"),
    "without an id": ({"name": "bill.pdf"}, "bill.pdf"),
}


@pytest.mark.parametrize(("file", "line"), LOST.values(), ids=LOST)
def test_files_that_slack_does_not_keep_are_named(heard, file, line):
    happens(heard, event(subtype="file_share", text="", files=[file]))
    (reply,) = heard.replies
    assert (reply.text, reply.files, reply.attached) == ("", (line,), ())


DESCRIBED = {"id": "F1", "name": "a.pdf", "mimetype": "application/pdf", "size": 7}
URL = "https://files.slack.com/files-pri/T1-F1/download/a.pdf"
KEPT = {
    "to be downloaded": ({"url_private_download": URL, "url_private": "other"}, URL),
    "to be looked at": ({"url_private": URL}, URL),
    "to be asked for first": ({"url_private": URL, "file_access": "check_file_info"}, ""),
}


@pytest.mark.parametrize(("more", "url"), KEPT.values(), ids=KEPT)
def test_files_that_slack_keeps_can_be_fetched(heard, more, url):
    happens(heard, event(subtype="file_share", text="", files=[DESCRIBED | more]))
    (reply,) = heard.replies
    assert reply.attached == (DeskFile("F1", "a.pdf", "application/pdf", 7, url),)
    assert reply.files == ()


def test_a_forwarded_message_is_not_dropped_in_silence(heard):
    happens(heard, event(text="", attachments=[{"is_share": True, "text": "what they said"}]))
    assert heard.replies[0].files == ("a forwarded message",)


IGNORED = {
    "not in a thread": {"thread_ts": None},
    "what a thread hangs on": {"thread_ts": TS},
    "another bot": {"bot_id": "B0OTHER"},
    "another app": {"app_id": "A0OTHER"},
    "a bot's profile": {"bot_profile": {"id": "B0OTHER"}},
    "our own user": {"user": OUR_USER},
    "Slackbot": {"user": "USLACKBOT"},
    "nobody": {"user": None},
    "an integration": {"subtype": "bot_message", "user": None, "bot_id": "B0OTHER"},
    "somebody joined": {"subtype": "channel_join"},
    "the topic": {"subtype": "channel_topic"},
    "a reminder": {"subtype": "reminder_add"},
    "a pin": {"subtype": "pinned_item"},
    "a reply was counted": {"subtype": "message_replied"},
    "slackbot's answer": {"subtype": "slackbot_response"},
    "a subtype nobody knows": {"subtype": "brand_new"},
}


@pytest.mark.parametrize("changes", IGNORED.values(), ids=IGNORED)
def test_what_is_not_for_customers_is_ignored(heard, changes):
    happens(heard, event(**changes))
    assert heard == Heard()


# -- changes


def test_a_change_of_words_is_heard(heard):
    after = message(text="Hello *Dana*!", edited={"user": "U0ANA", "ts": "1763888470.000000"})
    happens(heard, event(**changed(message(), after)))
    assert heard.edits == [(PLACE, TS, "Hello Dana!")]


def test_a_change_without_what_was_before_is_heard(heard):
    after = message(text="Hello Dana!", edited={"user": "U0ANA", "ts": "1763888470.000000"})
    happens(heard, event(**changed({}, after)))
    assert heard.edits == [(PLACE, TS, "Hello Dana!")]


PREVIEW = {"attachments": [{"from_url": "https://a.example"}]}

NO_CHANGES = {
    "a link's preview": (message(), message(**PREVIEW)),
    "a preview, nothing before": ({}, message(**PREVIEW)),
    "a reply was added to a parent": (message(thread_ts=TS), message(thread_ts=TS, reply_count=1)),
    "the card was redrawn": (
        message(bot_id="B0OURS", thread_ts=None),
        message(bot_id="B0OURS", thread_ts=None, text="new"),
    ),
    "a post of ours": (message(bot_id="B0OURS"), message(bot_id="B0OURS", text="new")),
    "not in a thread": (message(thread_ts=None), message(thread_ts=None, text="new")),
    "a tombstone": (message(), message(subtype="tombstone", text="This message was deleted.")),
}


@pytest.mark.parametrize(("before", "after"), NO_CHANGES.values(), ids=NO_CHANGES)
def test_what_does_not_change_words_is_ignored(heard, before, after):
    happens(heard, event(**changed(before, after)))
    assert heard == Heard()


# -- deletions


def test_a_deletion_is_heard(heard):
    happens(heard, event(**deleted(message())))
    assert heard.deletions == [(PLACE, TS)]


NOT_DELETED = {
    "what the thread hangs on": message(thread_ts=TS),
    "not in a thread": message(thread_ts=None),
    "a bot's": message(bot_id="B0OURS"),
    "nobody knows what": None,
}


@pytest.mark.parametrize("before", NOT_DELETED.values(), ids=NOT_DELETED)
def test_a_deletion_of_something_else_is_ignored(heard, before):
    happens(heard, event(**deleted(before)))
    assert heard == Heard()


def test_an_event_without_authorizations_is_heard(heard):
    payload = event()
    del payload["authorizations"]
    happens(heard, payload)
    assert len(heard.replies) == 1
