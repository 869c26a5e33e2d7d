"""Twilio's codes in plain words: one table for refusals and delivery reports."""

import pytest

from handoff_bot.channels._twilio_errors import MEANINGS, UNEXPLAINED, in_words

DOCUMENTED = [
    "21610",
    "21211",
    "21614",
    "21604",
    "21212",
    "21606",
    "21408",
    "21612",
    "21617",
    "21656",
    "63016",
    "63003",
    "63024",
    "63018",
    "63038",
    "63017",
    "20429",
    "20003",
    "30001",
    "30002",
    "30003",
    "30004",
    "30005",
    "30006",
    "30007",
    "30008",
    "30034",
    "30035",
    "30036",
    "30046",
    "30450",
    "63013",
    "63015",
    "63021",
    "63028",
    "63036",
    "63049",
    "63112",
    "21265",
    "21635",
    "21659",
    "21660",
    "21661",
    "30010",
    "30011",
    "30017",
    "30022",
    "30023",
    "30024",
    "30032",
    "30039",
    "30410",
    "63001",
    "63009",
    "63012",
    "63014",
    "63020",
    "63027",
    "63032",
    "63034",
    "63041",
    "63051",
]
WORTH_ANOTHER_TRY = {"20429", "21611", "63017", "63018", "63019"} | {
    "30001",  # by delivery report alone: an agent may press Retry
    "30003",
    "30008",
    "30036",
    "30046",
    "63036",
}


@pytest.mark.parametrize("code", DOCUMENTED)
def test_every_code_that_matters_has_words_of_its_own(code):
    assert code in MEANINGS
    assert in_words(code).endswith(f"(Twilio error {code})")


def test_trying_again_helps_only_where_it_can():
    assert {
        code for code, meaning in MEANINGS.items() if not meaning.permanent
    } == WORTH_ANOTHER_TRY


def test_agents_read_whole_sentences():
    for meaning in MEANINGS.values():
        assert meaning.words[0].isupper()
        assert meaning.words.endswith(".")


def test_no_code_is_no_words():
    assert in_words("") == ""
    assert in_words("12345") not in ("", UNEXPLAINED)


def test_a_marketing_template_that_meta_holds_back_is_not_sent_again_at_once():
    assert "Meta chose not to deliver" in in_words("63049")
    assert MEANINGS["63049"].permanent


def test_an_account_that_meta_has_disabled_is_a_matter_for_an_admin():
    assert "disabled" in in_words("63112")
    assert "admin" in in_words("63112")
