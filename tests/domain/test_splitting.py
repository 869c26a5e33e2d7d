"""A long text leaves in readable pieces, and not a word is lost."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from handoff_bot.domain.text import split_text

FAMILY = "👨‍👩‍👧‍👦"
FLAG = "🇪🇸"
WAVE = "👋🏽"
ACCENTED = "e\u0301"
KEYCAP = "1\ufe0f\u20e3"
SCOTLAND = "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"
KSHA = "क्ष"
SYLLABLE = "\u1112\u1161\u11ab"
LONE_PAIR = "\ud83d\ude00"
WHOLE = {
    "family": FAMILY,
    "flag": FLAG,
    "skin tone": WAVE,
    "accent": ACCENTED,
    "keycap": KEYCAP,
    "tagged flag": SCOTLAND,
    "conjunct": KSHA,
    "syllable": SYLLABLE,
    "unpaired surrogates": LONE_PAIR,
}


def width(text):
    return sum(2 if char > "\uffff" else 1 for char in text)


CASES = {
    "short": ("Hello.", 20, ["Hello."]),
    "blank": (" \n\t ", 20, []),
    "empty": ("", 20, []),
    "exactly full": ("a" * 20, 20, ["a" * 20]),
    "paragraphs": ("One two three.\n\nFour five.", 20, ["One two three.", "Four five."]),
    "paragraph with blanks": (
        "One two three.\n \t\nFour five.",
        20,
        ["One two three.", "Four five."],
    ),
    "an early paragraph is no reason": (
        "Hi\n\nFour five six. No.",
        20,
        ["Hi\n\nFour five six.", "No."],
    ),
    "lines": ("1. Open the lid\n2. Press it", 20, ["1. Open the lid", "2. Press it"]),
    "sentences": ("It is here. It is yours now.", 20, ["It is here.", "It is yours now."]),
    "questions": ("Is it here? Yes it is now!", 20, ["Is it here?", "Yes it is now!"]),
    "closing quote": ('He said "no." We said yes.', 20, ['He said "no."', "We said yes."]),
    "not in numbers": ("The price is 3.14159265 euro", 20, ["The price is", "3.14159265 euro"]),
    "not at a list's number": (
        "1. Turn the handle to the left",
        20,
        ["1. Turn the handle", "to the left"],
    ),
    "chinese": (
        "你好吗\N{FULLWIDTH QUESTION MARK}我很好。谢谢你。再见。",
        10,
        ["你好吗\N{FULLWIDTH QUESTION MARK}我很好。", "谢谢你。再见。"],
    ),
    "arabic": ("هل وصل الطلب؟ نعم وصل أمس", 18, ["هل وصل الطلب؟", "نعم وصل أمس"]),
    "hindi": ("यह आपका है। धन्यवाद जी", 14, ["यह आपका है।", "धन्यवाद जी"]),
    "words": ("alpha beta gamma delta", 12, ["alpha beta", "gamma delta"]),
    "the space is the limit": ("alpha beta gamma", 10, ["alpha beta", "gamma"]),
    "no bounds at all": ("x" * 25, 10, ["x" * 10, "x" * 10, "x" * 5]),
    "emoji count twice": ("😀" * 6, 10, ["😀" * 5, "😀"]),
    "no room for one": ("😀😀", 1, ["😀", "😀"]),
}


@pytest.mark.parametrize(("text", "limit", "pieces"), CASES.values(), ids=CASES)
def test_a_text_is_cut_where_it_hurts_least(text, limit, pieces):
    assert split_text(text, limit) == pieces


@pytest.mark.parametrize("whole", WHOLE.values(), ids=WHOLE)
@pytest.mark.parametrize("lead", range(1, 12))
def test_what_a_reader_sees_as_one_character_is_never_cut(whole, lead):
    pieces = split_text("x" * lead + whole * 3, max(12, width(whole)))

    assert "".join(pieces) == "x" * lead + whole * 3
    assert all(piece.replace(whole, "").strip("x") == "" for piece in pieces)


def test_what_is_longer_than_the_limit_alone_is_cut_all_the_same():
    pieces = split_text(FAMILY, 4)

    assert "".join(pieces) == FAMILY
    assert all(width(piece) <= 4 for piece in pieces)


def test_a_limit_of_nothing_is_refused():
    with pytest.raises(ValueError, match="nothing fits"):
        split_text("Hello", 0)


alphabet = st.sampled_from(
    [*"ab .!?\n。؟।'\"3", "\u00a0", "\u0301", "\u200d", *WHOLE.values(), "word "]
)
texts = st.one_of(st.text(), st.lists(alphabet, max_size=120).map("".join))


@given(text=texts, limit=st.integers(min_value=2, max_value=40))
@example(text=" \u0301 a", limit=2)
def test_nothing_is_lost_nothing_is_empty_everything_fits(text, limit):
    pieces = split_text(text, limit)

    assert "".join("".join(pieces).split()) == "".join(text.split())
    assert all(piece.strip() for piece in pieces)
    assert all(width(piece) <= limit for piece in pieces)


@given(words=st.lists(st.text("abcdefgh", min_size=1, max_size=8), min_size=1, max_size=80))
def test_words_that_fit_stay_whole(words):
    pieces = split_text(" ".join(words), 20)

    assert " ".join(pieces).split() == words
