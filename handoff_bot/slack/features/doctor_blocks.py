"""Renders the doctor's modal: the health checks, failed ones first."""

from __future__ import annotations

import re
from collections.abc import Sequence

from handoff_bot.domain.health_checks import CheckResult
from handoff_bot.domain.text import many
from handoff_bot.slack.kit.fields import modal
from handoff_bot.slack.kit.text import (
    Block,
    context,
    header,
    mrkdwn,
    one_line,
    plain,
    section,
    shorten,
)

TITLE = "Doctor"
_MOST = 40
_WORDS = 800
_CHANNEL = re.compile(r"\b[CG][A-Z0-9]{6,20}\b")


def looking() -> Block:
    """Renders the modal while the checks run."""
    return modal(TITLE, [section("Checking Slack…")])


def render_checks(checks: Sequence[CheckResult]) -> Block:
    """Renders the results, failed checks first."""
    wrong = [each for each in checks if not each.ok]
    well = [each for each in checks if each.ok]
    blocks: list[Block] = [header(_summary(len(wrong)))]
    for each in (*wrong, *well)[:_MOST]:
        blocks.append(
            section(
                f"{'✅' if each.ok else '❌'} {one_line(each.what, 150)}\n{shorten(each.words, _WORDS)}"
            )
        )
        named = [f"<#{channel}>" for channel in _CHANNEL.findall(each.what)]
        if named:
            blocks.append(context(mrkdwn(f"Channel: {' '.join(named[:5])}")))
    blocks.append(
        context(plain("python -m handoff_bot doctor also checks everything outside Slack."))
    )
    return modal(TITLE, blocks)


def _summary(wrong: int) -> str:
    if not wrong:
        return "Everything looks good."
    return f"{many(wrong, 'problem')} found."
