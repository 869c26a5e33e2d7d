"""docs/metrics.md defines every figure, with the SQL that is really asked."""

import re
from dataclasses import fields

import pytest

from handoff_bot.domain import metrics
from handoff_bot.domain.metrics import Numbers
from handoff_bot.storage.metrics import QUERIES
from tests.docs.pages import DOCS, read

PAGE = read(DOCS / "metrics.md")
SHOWN = re.findall(r"<!-- sql: ([\w ]+) -->\n```sql\n(.*?)\n```", PAGE, re.DOTALL)


def test_the_sql_shown_is_the_sql_asked():
    assert dict(SHOWN) == QUERIES
    assert [name for name, _ in SHOWN] == list(QUERIES)


@pytest.mark.parametrize("name", [field.name for field in fields(Numbers)])
def test_every_figure_is_defined(name):
    assert f"`{name}" in PAGE


def test_the_limits_named_are_the_codes():
    assert metrics.SOON.total_seconds() == 5 * 60
    assert metrics.AGAIN.total_seconds() == 24 * 3600
    assert "of at most 5 minutes" in PAGE
    assert "at most 24 hours after" in PAGE


def test_every_question_keeps_to_the_event_log():
    for query in QUERIES.values():
        tables = set(re.findall(r"\b(?:FROM|JOIN)\s+(\w+)", query))
        assert tables == {"event"}
