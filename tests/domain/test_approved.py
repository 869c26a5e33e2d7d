"""Approved templates: how they are written, and what their variables may hold."""

import pytest

from handoff_bot.domain.replies import (
    MessageTemplate,
    labels_in,
    sid_problem,
    template_name_problem,
    template_text_problem,
    value_problem,
)


def test_variables_stand_in_the_order_of_the_text():
    text = MessageTemplate("x", "HX", "{{2}} then {{ name }} then {{2}}")
    assert text.variables == ("2", "name")
    assert text.filled({"2": "A", "name": "B"}) == "A then B then A"
    assert text.filled({}) == "{{2}} then {{ name }} then {{2}}"
    assert text.label("2") == "Value of {{2}}"


def test_a_value_is_not_read_as_a_variable():
    text = MessageTemplate("x", "HX", "{{1}} {{2}}")
    assert text.filled({"1": "{{2}}", "2": "B"}) == "{{2}} B"


@pytest.mark.parametrize("name", ["", "x" * 61], ids=["none", "long"])
def test_a_name_is_needed_and_short(name):
    assert template_name_problem(name)
    assert not template_name_problem("News")


@pytest.mark.parametrize("sid", ["", "HX", "MG" + "1" * 32, "HX" + "g" * 32, f"HX{1:032d}\n"])
def test_a_content_sid_looks_like_one(sid):
    assert sid_problem(sid)


def test_a_content_sid_may_have_letters():
    assert not sid_problem("HX" + "aB1" * 10 + "00")


@pytest.mark.parametrize(
    "text",
    ["", " \n", "x" * 1025, "{{", "{{1}", "{{a b}}", "".join(f"{{{{{n}}}}}" for n in range(11))],
    ids=["none", "blank", "long", "open", "half", "two words", "many"],
)
def test_a_text_that_cannot_be_one_is_refused(text):
    assert template_text_problem(text)
    assert not template_text_problem("Hi {{1}}")


def test_labels_are_one_a_line():
    assert labels_in("1: Name\n\n{{2}} : Order: number\n", "Hi {{1}}, {{2}}.") == {
        "1": "Name",
        "2": "Order: number",
    }


def test_a_label_may_name_a_variable_of_a_button_or_a_file():
    labels = labels_in("3: Invoice number\n2: Tracking code", "Hi {{1}}.")
    template = MessageTemplate("News", "HX" + "1" * 32, "Hi {{1}}.", labels)
    assert template.variables == ("1", "3", "2")
    assert template.further == ("3", "2")
    assert template.filled({"1": "Dana", "2": "ABC", "3": "77"}) == "Hi Dana."


TOO_MANY = "\n".join(f"{number}: x" for number in range(11))


@pytest.mark.parametrize("lines", ["1", "1:", "a b: x", ": x", "ü: x", "x" * 41 + ": x", TOO_MANY])
def test_lines_that_name_no_variable_are_refused(lines):
    with pytest.raises(ValueError, match=r"\.$"):
        labels_in(lines, "Hi {{1}}.")


@pytest.mark.parametrize(
    "value",
    ["", "  ", "a\nb", "a\tb", "a     b", "x" * 301],
    ids=["none", "blank", "lines", "tab", "spaces", "long"],
)
def test_values_that_whatsapp_refuses_are_refused_here(value):
    assert value_problem(value)
    assert not value_problem("Dana    Reyes")
