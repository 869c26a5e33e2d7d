"""What agents type in Slack arrives on a phone as plain words."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handoff_bot.slack.client import emoji
from handoff_bot.slack.incoming.events import plain_text

NAMES = {"U0ANA": "Ana", "W0BEN": "Ben B."}

WORDS = {
    "plain": ("Hello there", "Hello there"),
    "empty": ("", ""),
    "escapes": ("1 &lt; 2 &amp;&amp; 3 &gt; 2", "1 < 2 && 3 > 2"),
    "escaped once only": ("&amp;lt;", "&lt;"),
    # mentions
    "person": ("Ask <@U0ANA> or <@W0BEN>", "Ask @Ana or @Ben B."),
    "person with a label": ("Ask <@U0ANA|ana.l>", "Ask @ana.l"),
    "channel": ("in <#C1|general>", "in #general"),
    "channel without a name": ("in <#C1>", "in #channel"),
    "channel with an empty name": ("in <#C1|>", "in #channel"),
    "everybody": ("<!here> <!channel> <!everyone>", "@here @channel @everyone"),
    "labelled": ("<!here|here>", "@here"),
    "group": ("<!subteam^S1|@sales> <!subteam^S2>", "@sales @team"),
    "date": ("on <!date^1392734382^{date}|Feb 18, 2014>", "on Feb 18, 2014"),
    # links
    "address": ("see <https://a.example/x?y=1&amp;z=2>", "see https://a.example/x?y=1&z=2"),
    "label": ("<https://a.example|our site>", "our site (https://a.example)"),
    "label is the address": ("<https://a.example|https://a.example>", "https://a.example"),
    "typed without scheme": ("<http://a.example|a.example>", "a.example"),
    "typed with a slash": ("<http://a.example/|a.example>", "a.example"),
    "mail": ("<mailto:a@b.example|a@b.example>", "a@b.example"),
    "telephone": ("<tel:+15551234|+1 555 1234>", "+1 555 1234 (+15551234)"),
    "underscores in an address": ("<https://a.example/_a_/*b*>", "https://a.example/_a_/*b*"),
    # markers
    "bold": ("This is *very* important", "This is very important"),
    "italic": ("_really_", "really"),
    "struck": ("~no~ yes", "no yes"),
    "several words": ("*two words* and _three more words_", "two words and three more words"),
    "nested": ("*_both_* _*ways*_", "both ways"),
    "around a link": ("*<https://a.example>*", "https://a.example"),
    "with punctuation": ("(*yes*), _no_!", "(yes), no!"),
    "code": ("run `a*b*c` now", "run a*b*c now"),
    "code block": ("```\nx = *y*\nz\n```", "x = *y*\nz"),
    "code with a mention": ("`<@U0ANA>`", "@Ana"),
    "code with escapes": ("`a &lt; b`", "a < b"),
    # what looks like a marker and is none
    "sums": ("2 * 3 * 4 = 24", "2 * 3 * 4 = 24"),
    "tight sums": ("2*3*4", "2*3*4"),
    "names": ("my_file_name.txt and __init__", "my_file_name.txt and __init__"),
    "ranges": ("~5 to ~10 minutes", "~5 to ~10 minutes"),
    "one alone": ("* only one", "* only one"),
    "footnote": ("Free* shipping\n*terms apply", "Free* shipping\n*terms apply"),
    "over lines": ("*a\nb*", "*a\nb*"),
    "quote": ("&gt; as you said", "> as you said"),
    "list": ("• one\n• two", "• one\n• two"),
    # emoji
    "emoji": ("Thanks :smile: :+1:", "Thanks 😄 👍"),
    "skin": (":wave::skin-tone-3:", "👋🏼"),
    "skin on a heart of text": (":point_up::skin-tone-6:", "☝🏿"),
    "flag": (":flag-es: :flag-us:", "🇪🇸 🇺🇸"),
    "unknown": (":our_logo: stays", ":our_logo: stays"),
    "time": ("at 10:30:45", "at 10:30:45"),
    "ratio": ("1:100:1", "1:100:1"),
    "a number that is one": ("Right :100:", "Right 💯"),
    "letters between colons": ("a:b:c", "a:b:c"),
    "emoji right behind a word": ("Thanks:blush:", "Thanks😊"),
    "emoji in a row": (":tada::tada::tada:", "🎉🎉🎉"),
    "Slack's own names": (":man-shrugging: :simple_smile: :female-doctor:", "🤷‍♂️ 🙂 👩‍⚕️"),
    "in bold": ("*great :tada:*", "great 🎉"),
    "in code": ("`:smile:`", ":smile:"),
    "direct": ("👍 ok", "👍 ok"),
    # oddities
    "empty token": ("a <> b", "a <> b"),
    "lone bracket": ("a < b", "a < b"),
    "our own placeholder": ("\x000\x00", "0"),
}


def points(text):
    return "-".join(f"{ord(each):04X}" for each in text)


TABLE = json.loads((Path(emoji.__file__).parent / "emoji.json").read_text("utf-8"))


def test_every_emoji_of_slack_becomes_its_character():
    wrong = {
        name: words
        for name, expected in TABLE["names"].items()
        if points(words := plain_text(f"a :{name}: b", str)[2:-2]) != expected
    }
    assert wrong == {}
    assert len(TABLE["names"]) > 1900


def test_every_toned_emoji_is_one_character_with_its_tone_inside():
    short = {code: name for name, code in TABLE["names"].items()}
    wrong = [
        (short[code], tones)
        for code, forms in TABLE["tones"].items()
        for tones, expected in forms.items()
        if points(plain_text(f":{short[code]}::skin-tone-{tones}:", str)) != expected
    ]
    assert wrong == []
    assert sum(map(len, TABLE["tones"].values())) > 1800


def test_the_cases_of_emoji_come_out_right():
    path = Path(__file__).parents[3] / "shared" / "cases" / "r10-emoji-tones.json"
    if not path.exists():
        pytest.skip("the shared cases are not here")
    cases = json.loads(path.read_text("utf-8"))["cases"]
    assert {code: points(plain_text(code, str)) for code in cases} == cases


def test_one_tone_is_for_both_people_and_none_leaves_a_swatch():
    assert points(plain_text(":men_holding_hands::skin-tone-4:", str)) == "1F46C-1F3FD"
    assert plain_text(":smile::skin-tone-4:", str) == "😄"


@pytest.mark.parametrize(("markup", "words"), WORDS.values(), ids=WORDS)
def test_markup_becomes_plain_words(markup, words):
    assert plain_text(markup, lambda desk_id: NAMES.get(desk_id, "an agent")) == words


@settings(deadline=None)
@given(st.text(alphabet="ab *_~`<>|@#!:&;\n\x00^", max_size=60))
def test_nothing_that_agents_type_breaks_it(markup):
    text = plain_text(markup, lambda desk_id: "Ana")
    assert "\x00" not in text


@settings(deadline=None)
@given(st.text(alphabet="abc 123.,\n", max_size=60))
def test_words_without_markup_stay_as_they_are(text):
    assert plain_text(text, lambda desk_id: "Ana") == text


def test_a_long_message_takes_no_time():
    assert plain_text("*a _b ~c `d <e :f: " * 5000, lambda desk_id: "Ana")


def test_marks_stay_for_those_who_show_them():
    said = plain_text("*bold* _it_ ~no~ `x` <https://a.example|here>", str, marked=True)
    assert said == "*bold* _it_ ~no~ `x` here (https://a.example)"
