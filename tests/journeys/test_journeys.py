"""The five journeys enter no more files than they did, and docs/architecture.md says how many."""

import re

import pytest

from tests.journeys.__main__ import BLOCK, PAGE
from tests.journeys.measure import CALLBACK, CLAIM, INBOUND, JOURNEYS, REPLY, SETTING, measure
from tests.tracing import Trace, product_file

BUDGET = {CLAIM: 67, INBOUND: 57, REPLY: 55, SETTING: 31, CALLBACK: 26}
"""Files entered, at most. These numbers only go down."""


@pytest.fixture(scope="module")
def traces() -> dict[str, Trace]:
    return measure()


def test_no_journey_enters_more_files_than_its_budget(traces):
    entered = {name: len(trace.files) for name, trace in traces.items()}
    assert {name: entered[name] for name in JOURNEYS if entered[name] > BUDGET[name]} == {}


def test_the_page_says_how_many_files_each_journey_enters(traces):
    (block,) = BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    written = re.findall(r"^\| (?!journey)([^|]+) \| (\d+) \|", block, re.MULTILINE)
    assert {name: int(files) for name, files in written} == {
        name: len(trace.files) for name, trace in traces.items()
    }, "python -m tests.journeys --write puts the numbers there"


def test_only_the_product_is_counted(traces):
    for trace in traces.values():
        assert not [file for file in trace.files if "sandbox" in file or file.startswith("tests")]
    assert product_file(__file__) == ""
