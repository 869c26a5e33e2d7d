"""What is for the team alone, as people type it."""

import pytest

from handoff_bot.domain.thread_syntax import NOTE_PREFIXES, note_text, thread_command_in

NOTES = {
    "note: vip": "vip",
    "NOTE:vip": "vip",
    "  // vip": "vip",
    "note:": "",
    "!note vip": "vip",
    "!note: vip": "vip",
    "note : vip": "vip",
    "note\uff1a vip": "vip",
    "\u200bnote: vip": "vip",
    "no\u00adte: vip": "vip",
    "> note: vip": "vip",
    "\u2022 note: vip": "vip",
    "*note:* vip": "* vip",
    "\uff01note vip": "vip",
}


@pytest.mark.parametrize(("text", "note"), NOTES.items())
def test_a_note_is_what_begins_like_one(text, note):
    assert note_text(text, NOTE_PREFIXES) == note


@pytest.mark.parametrize(
    "text", ["notebook is broken", "see note: vip", "Keep note of this", "", "1/2", "> quoted"]
)
def test_other_words_are_none(text):
    assert note_text(text, NOTE_PREFIXES) is None


def test_the_verb_marks_a_note_whatever_the_teams_prefixes_are():
    assert note_text("!note vip", ["internal:"]) == "vip"
    assert note_text("note: vip", ["internal:"]) is None
    assert note_text("psst hello", ["psst "]) == "hello"
    assert note_text("pssthello", ["psst "]) is None


VERBS = {
    "!resolve": ("resolve", ""),
    "!Resolve refund, late": ("resolve", "refund, late"),
    "!assign<@UBEN>": ("assign", "<@UBEN>"),
    "!assign <@UBEN> please": ("assign", "<@UBEN> please"),
    "!snooze2h": ("snooze", "2h"),
    "!resolve!": ("resolve", ""),
    "!resolve, refund": ("resolve", "refund"),
    "!return: promised\nby Friday": ("return", "promised\nby Friday"),
    "*!resolve*": ("resolve", ""),
    "`!snooze 2h`": ("snooze", "2h"),
    "!return he is *angry*": ("return", "he is *angry*"),
    "! resolve": ("resolve", ""),
    "\u200b!resolve": ("resolve", ""),
    "&gt; !resolve": ("resolve", ""),
    "\uff01resolve": ("resolve", ""),
    "!resovle": ("resovle", ""),
}


@pytest.mark.parametrize(("markup", "command"), VERBS.items())
def test_a_verb_is_what_begins_like_one(markup, command):
    assert thread_command_in(markup) == command


@pytest.mark.parametrize("markup", ["Hello!", "!", "!!", "!!! great", "I said !resolve", "!1"])
def test_an_exclamation_mark_alone_is_no_verb(markup):
    assert thread_command_in(markup) is None
