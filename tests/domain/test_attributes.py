"""Attributes of customers are bounded and clean, and rules compare them as people write them."""

import json

import pytest

from handoff_bot.domain import customers
from handoff_bot.domain.customers import attribute_conditions_in, attributes_in
from handoff_bot.domain.rules import RuleConditions


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (
            {"Plan": " Pro ", "ORDER no.": 4711, "vip": True, "seats": 3.0, "rate": 2.50},
            {"plan": "Pro", "order no.": "4711", "vip": "yes", "seats": "3", "rate": "2.5"},
        ),
        ({"page": "/a\n\x00\u202e/b"}, {"page": "/a /b"}),
        ({"": "x", "a=b": "x", "<plan>": "x", "_id": "x", "n" * 33: "x", 7: "x"}, {}),
        ({"plan": None, "order": {"is": 1}, "tags": ["a"], "blank": " \u3164 "}, {}),
        ({"größe": "XL"}, {"größe": "XL"}),
        ("plan=pro", {}),
    ],
    ids=["usual", "unseen", "names", "values", "letters", "no object"],
)
def test_what_is_no_attribute_is_left_out(given, kept):
    assert attributes_in(given) == kept


@pytest.mark.parametrize(
    "value", ["v" * 5000, "😀" * 120, "\u0301" * 3000], ids=["long", "wide", "marks"]
)
def test_attributes_are_bounded_in_number_and_size(value):
    found = attributes_in({f"name {number}": value for number in range(1000)})
    assert len(found) <= customers.MOST
    assert all(len(each) <= customers.LONGEST_VALUE for each in found.values())
    assert len(json.dumps(found)) <= customers.LARGEST + customers.MOST


def test_lines_of_one_name_are_alternatives_and_all_names_must_match():
    wanted = attribute_conditions_in("Plan = Pro\nplan: business\n\ncountry=DE")
    assert wanted == ("plan = Pro", "plan = business", "country = DE")
    assert customers.fit(wanted, {"plan": "BUSINESS", "country": "de", "order": "1"})
    assert not customers.fit(wanted, {"plan": "pro"})
    assert not customers.fit(wanted, {"plan": "free", "country": "DE"})


@pytest.mark.parametrize(
    ("line", "given"),
    [
        ("verified = true", True),
        ("verified = No", False),
        ("verified = FALSE", "no"),
        ("verified = yes", "True"),
        ("verified = 3", 3.0),
        ("verified = 3.00", 3),
        ("verified = 1e+300", 1e300),
    ],
)
def test_a_rule_matches_yes_and_no_and_numbers_however_each_side_spells_them(line, given):
    (condition,) = attribute_conditions_in(line)
    assert customers.fit([condition], attributes_in({"verified": given}))
    assert not customers.fit([condition], attributes_in({"verified": "1.10"}))
    assert customers.cover([condition], [line.upper()])


@pytest.mark.parametrize("line", ["plan", "= pro", "plan =", "<a> = b", "plan = \u3164"])
def test_a_line_that_is_no_condition_is_named(line):
    with pytest.raises(ValueError, match="is not a condition"):
        attribute_conditions_in(f"plan = pro\n{line}")


def test_a_rule_covers_another_whose_attributes_are_narrower():
    wide = RuleConditions(attributes=("plan = pro", "plan = free"))
    narrow = RuleConditions(attributes=("plan = PRO", "country = DE"))
    assert wide.covers(narrow)
    assert not narrow.covers(wide)
    assert not wide.covers(RuleConditions())
