"""Detection rules set by admins."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import TypeAdapter

from handoff_bot.domain.detection_rules import Guidance, Rules, Sensitivity, Tuning, as_address
from handoff_bot.domain.look_ups import LookUp
from handoff_bot.domain.mcp_servers import McpServer, tools_of
from handoff_bot.domain.signals import Signal
from handoff_bot.services.settings import rule_lists
from handoff_bot.services.settings_catalog import live
from handoff_bot.storage.transaction import Transaction

PREFIX = "rules."
LOOK_UPS, LOOK_UP = "rules.look_ups", TypeAdapter(LookUp)
MCP_SERVERS, MCP_SERVER = "rules.mcp_servers", TypeAdapter(McpServer)


def read(tx: Transaction) -> Rules:
    """Returns the current rules."""
    stored = live(tx)
    servers = mcp_servers(stored.mcp_servers)
    return Rules(
        triggers=dict.fromkeys(Signal, Sensitivity.MEDIUM) | stored.triggers,
        always=stored.always,
        never=stored.never,
        pause_seconds=stored.pause_seconds,
        most_answers=stored.most_answers,
        vips=frozenset(map(as_address, stored.vips)),
        languages=stored.languages,
        tuning=Tuning(stored.shifts, stored.last_layer),
        answer_short_codes=stored.answer_short_codes,
        paused=stored.paused,
        guidance=Guidance(stored.company, stored.tone, stored.never_discuss, stored.guidance),
        look_ups=(
            *(one for one in look_ups(stored.look_ups) if one.is_on),
            *(tools_of(servers) if servers else ()),
        ),
    )


def look_ups(stored: Iterable[object]) -> list[LookUp]:
    """Returns the stored look-ups, without those that are stored wrongly."""
    return rule_lists.parsed(list(stored), LOOK_UPS, LOOK_UP)


def mcp_servers(stored: Iterable[object]) -> list[McpServer]:
    """Returns the stored MCP servers, without those that are stored wrongly."""
    return rule_lists.parsed(list(stored), MCP_SERVERS, MCP_SERVER)
