"""What docs/admins.md says about settings, texts and placeholders is what the code does."""

import re

from handoff_bot.domain import replies
from handoff_bot.domain.text import language_name
from handoff_bot.domain.texts import (
    REQUIRED,
    SHORTEST_WAIT,
    SILENCEABLE,
    Moment,
    allowed,
    languages,
)
from handoff_bot.services.settings_catalog import SECTIONS
from handoff_bot.slack.features.customer_texts import MOMENTS
from handoff_bot.slack.features.settings import in_words
from handoff_bot.slack.incoming.registry import EVERYTHING
from tests.docs.pages import DOCS, check_block, read

ADMINS = DOCS / "admins.md"
PAGE = read(ADMINS)


def placeholders(names) -> str:
    return " ".join(f"`{{{name}}}`" for name in sorted(names))


def moments_table() -> str:
    lines = ["| moment | may use | must use | may be silent |", "|---|---|---|---|"]
    for moment in Moment:
        must = placeholders(REQUIRED.get(moment, ()))
        silent = "yes" if moment in SILENCEABLE else ""
        cells = (MOMENTS[moment], placeholders(allowed(moment)), must, silent)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def settings_table() -> str:
    lines = ["| setting | usually | hint |", "|---|---|---|"]
    for section in SECTIONS:
        lines.append(f"| **{section.title}** | | {section.description} |")
        for each in section.settings:
            usual = in_words(each, each.default)
            lines.append(f"| {each.label} | {usual} | {each.hint} |")
    return "\n".join(lines)


def test_the_table_of_moments_is_the_codes():
    check_block(ADMINS, "moments", moments_table())


def test_the_table_of_settings_is_the_codes():
    check_block(ADMINS, "settings", settings_table())


def test_every_placeholder_is_explained():
    explained = set(re.findall(r"^\| `\{(\w+)\}` \|", PAGE, re.M))
    assert explained == set().union(*(allowed(moment) for moment in Moment))
    assert f"never less than {SHORTEST_WAIT}" in PAGE
    assert all(f"`{{{name}}}`" in PAGE for name in replies.PLACEHOLDERS)


def test_the_languages_of_the_product_are_named():
    assert len(languages()) == 16
    assert [code for code in languages() if language_name(code) not in PAGE] == []


def test_every_command_for_admins_is_there():
    for command in ("settings", "canned", "templates", "audit", "doctor"):
        assert command in EVERYTHING.commands
        assert f"`/handoff {command}" in PAGE
