"""What customers answer to the question how we did."""

import pytest

# ruff: noqa: RUF001, RUF005 - what customers write
from handoff_bot.domain.plain_answers import Rating, rating_in

SCORES = {
    5: [
        "5 stars",
        "5/5",
        "five",
        "★★★★★",
        "⭐⭐⭐⭐⭐",
        "⭐️⭐️⭐️⭐️⭐️",
        "5️⃣",
        "10/10",
        "5 out of 5",
        "cinco",
        "fünf Sterne",
        "пять",
    ]
    + [
        "五",
        "5점",
        "ห้าดาว",
        "पाँच",
        " 5\n",
        "५",
        "5!",
        "Five!",
        "5 de 5",
        "I'd give it a 5",
        "5 👍",
        "5 ⭐",
        "⭐ 5",
        "five ⭐",
        "perfect 5",
        "5 sur 5",
        "خمسة",
    ],
    4: [
        "4.",
        "٤",
        "4\u20e3",
        "4 étoiles",
        "(4)",
        "★★★★☆",
        "４",
        "my rating: 4",
        "vier",
        "4 von 5",
        "quattro stelle",
    ],
    3: ["3\ufe0f\u20e3", "three", "tre", "3 of 5", "три звезды", "三"],
    1: ["1", "один", "1 star", "uno", "いち"],
}


@pytest.mark.parametrize(
    ("score", "text"), [(score, text) for score, texts in SCORES.items() for text in texts]
)
def test_a_rating_is_understood_however_it_is_written(score, text):
    assert rating_in(text) == Rating(score)


@pytest.mark.parametrize(
    ("text", "rating"),
    [
        ("5 - great service!", Rating(5, "great service")),
        ("5, thank you Dana", Rating(5, "thank you dana")),
        ("2: where is my refund?", Rating(2, "where is my refund?")),
        ("⭐⭐ slow", Rating(2, "slow")),
        ("4/5 good", Rating(4, "good")),
        ("5 thanks", Rating(5, "thanks")),
        ("1 ⭐ slow", Rating(1, "slow")),
        ("5 because Ana was quick", Rating(5, "because ana was quick")),
        ("4 but where is it?", Rating(4, "but where is it?")),
    ],
)
def test_a_comment_stays_with_its_rating(text, rating):
    assert rating_in(text) == rating


@pytest.mark.parametrize(
    "text", ["sorry, I meant 2", "I meant 2", "perdón, quise decir 2", "ich meinte 2", "oops 2"]
)
def test_a_correction_says_so(text):
    assert rating_in(text) == Rating(2, "", corrects=True)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "6",
        "11",
        "-1",
        "1.0",
        "²5",
        "½",
        "8/10",
        "order 4711",
        "I have 5 questions",
        "3 parcels are missing",
    ]
    + [
        "👍",
        "Thank you so much, Dana 🙏",
        "Thank you, Dana 🌟",
        "at 5",
        "5:30",
        "5%",
        "5€",
        "3 - 4 days",
        "room 5",
        "★★★★★★",
        "1-2 days",
    ]
    + ["2 stars here and 1 star there", "call me at 5", "5" * 5000],
)
def test_a_number_that_rates_nothing_is_no_rating(text):
    assert rating_in(text) is None
