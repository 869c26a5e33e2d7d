"""Files of questions, verdicts on answers, and the report."""

import csv
import io
import json
from dataclasses import replace

import pytest

from handoff_bot.domain.evaluation import (
    Expected,
    Outcome,
    QuestionsError,
    Report,
    Verdict,
    compared,
    csv_header,
    csv_row,
    is_cited,
    read_questions,
    verdict,
)
from handoff_bot.domain.signals import Answer, Turn

CITED = Answer("It costs 4.90 euros.", 0.9, ("Shipping",), "local")
UNSURE = Answer("I'm not sure.", 0.4, (), "local")


def test_facts_of_a_csv_are_parted_or_in_columns_of_their_own():
    text = "Question;Facts;Fact 2;Language;Expect\nhow much?;4.90 | free;two days;German;\nrent?;;;;none\n"
    first, second = read_questions(text)
    assert first == Expected("how much?", ("4.90", "free", "two days"), "de")
    assert (second.must_refuse, second.facts) == (True, ())


def test_json_lines_hold_the_same_and_earlier_turns():
    row = {
        "question": "and express?",
        "facts": ["9.90"],
        "earlier": ["How much is shipping?", "assistant: 4.90", {"role": "agent", "text": "Hi"}],
        "article": "Shipping",
    }
    [found] = read_questions(json.dumps(row) + "\n\n")
    assert found.earlier == (
        Turn("customer", "How much is shipping?"),
        Turn("assistant", "4.90"),
        Turn("agent", "Hi"),
    )
    assert (found.facts, found.article) == (("9.90",), "Shipping")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "must name the columns"),
        ("question,facts\n", "no questions"),
        ("answer,facts\na,b\n", "must name the columns"),
        ("question,facts\n,b\n", "Line 2: no question"),
        ("question,facts\na,\n", "Line 2: no facts"),
        ("question,facts,expect\na,b,maybe\n", "Line 2: expect must be none"),
        ("question,facts,language\na,b,Klingonish\n", "Line 2: unknown language"),
        (f"question,facts\n{'a' * 5_000},b\n", "Line 2: the question has more"),
        (f'question,facts\n"{"a" * 200_000}",b\n', "field larger than"),
        (f'"{"a" * 200_000}",facts\n', "must name|first line cannot be read"),
        ("question,facts\n" + "a,b\n" * 10_001, "At most 10,000"),
        ('{"question": "a", "facts": "b"}\n[1]\n', "Line 2: not a JSON object"),
        ('{"question": ' + "[" * 100_000, "Line 1: not a JSON object"),
        ('{"question": ["a"], "facts": "b"}', "no question"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_its_problems(text, says):
    with pytest.raises(QuestionsError, match=says):
        read_questions(text)


def test_all_problems_are_listed_up_to_twenty():
    with pytest.raises(QuestionsError) as caught:
        read_questions("question,facts\n" + "a,\n" * 500)
    assert len(str(caught.value).splitlines()) == 20


def test_ten_thousand_columns_nul_bytes_and_surrogates_are_read():
    wide = ",".join(f"x{number}" for number in range(10_000))
    text = f"question,facts,{wide}\nis it\x00 \ud800open?,yes{',z' * 10_000}\n"
    [found] = read_questions(text)
    assert (found.question, found.facts) == ("is it ?open?", ("yes",))


@pytest.mark.parametrize(
    ("expected", "answer", "wanted"),
    [
        (Expected("q", ("4,90 €",)), CITED, Verdict.RIGHT),
        (Expected("q", ("4.90", "free")), CITED, Verdict.WRONG),
        (Expected("q", ("4.90",)), UNSURE, Verdict.REFUSED),
        (Expected("q", ("4.90",)), None, Verdict.REFUSED),
        (Expected("q", must_refuse=True), UNSURE, Verdict.RIGHT),
        (Expected("q", must_refuse=True), None, Verdict.RIGHT),
        (Expected("q", must_refuse=True), CITED, Verdict.WRONG),
        (Expected("q", ("4.90",), must_refuse=True), CITED, Verdict.RIGHT),
        (Expected("q", article="shipping"), CITED, Verdict.RIGHT),
        (Expected("q", article="Returns"), CITED, Verdict.WRONG),
        (
            Expected("q", ("4.90",)),
            Answer("A or B?", 0.4, (), choices=("A", "B")),
            Verdict.ASKED_BACK,
        ),
        (Expected("q", ("4.90",)), Answer("It is 9.", 0.4, (), in_time=True), Verdict.WRONG),
        (Expected("q", ("4.90",)), Answer("It is 4.90.", 0.4, (), in_time=True), Verdict.RIGHT),
        (Expected("q", ("4.90",)), Answer("No idea.", 0.1, (), in_time=True), Verdict.REFUSED),
    ],
)
def test_verdicts(expected, answer, wanted):
    assert verdict(expected, answer) is wanted


def test_an_article_is_cited_with_and_without_where_it_is_from():
    assert is_cited("Shipping  costs", ["shipping costs (https://shop.example/costs)"])
    assert not is_cited("Shipping", ["shipping costs"])


OUTCOMES = [
    Outcome(Expected("a", ("1",), article="Sizes"), Verdict.RIGHT, "1", language="en"),
    Outcome(Expected("=HYPERLINK(0)", ("1",)), Verdict.WRONG, "@SUM(1)", sources=("FAQ",)),
    Outcome(Expected("b", must_refuse=True), Verdict.FAILED, why="The service is down."),
]


def test_the_report_counts_what_failed_as_not_right():
    report = Report("model", OUTCOMES)
    lines = list(report.lines())
    assert lines[0] == "model: 1 of 3 questions right (33 %), 1 wrong, 1 failed"
    groups = [line[:32].strip() for line in lines[lines.index("") :] if line[:2] != "by"]
    assert [one for one in groups if one] == [
        "(unknown)",
        "en",
        "(to be refused)",
        "FAQ",
        "Sizes",
    ]
    assert report.reaches(33)
    assert not report.reaches(34)


def test_only_questions_that_were_not_answered_rightly_are_shown():
    shown = "\n".join(Report("local", OUTCOMES).shown())
    assert "wrong: =HYPERLINK(0)" in shown
    assert "because:  The service is down." in shown
    assert "right:" not in shown


def test_no_cell_of_the_csv_is_a_formula():
    text = csv_header() + "".join(csv_row("local", one) for one in OUTCOMES)
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [row["question"] for row in rows] == ["a", "'=HYPERLINK(0)", "b"]
    assert rows[1]["answer"] == "'@SUM(1)"


def test_the_data_count_every_verdict():
    data = Report("local", OUTCOMES).data()
    assert data["verdicts"] == {
        "right": 1,
        "wrong": 1,
        "refused": 0,
        "asked back": 0,
        "failed": 1,
        "not asked": 0,
    }
    assert json.loads(json.dumps(data))["results"][2]["expected"] == "no answer"


def test_two_assistants_are_compared():
    other = [replace(one, verdict=Verdict.RIGHT) for one in OUTCOMES[1:]]
    model = Report("model", [replace(OUTCOMES[0], verdict=Verdict.WRONG), *other])
    wanted = "Both right: 0. Only local: 1. Only model: 2."
    assert compared([Report("local", OUTCOMES), model]) == wanted
    assert compared([model]) == ""
