"""The MCP servers that admins define, and their tools: looked at, allowed, withdrawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import TypeAdapter

from handoff_bot.domain.mcp_servers import (
    Listed,
    McpServer,
    ToolLookUp,
    allowing,
    looked_at,
    withdrawn,
)
from handoff_bot.ports import Clock, ToolServers
from handoff_bot.services.ai_turns.language_model import tell_admins
from handoff_bot.services.settings import rule_lists
from handoff_bot.services.settings.preferences import Preferences, may_save
from handoff_bot.services.settings.rule_lists import MCP_SERVER, MCP_SERVERS, RuleSet
from handoff_bot.storage.database import Database

LOOK_SECONDS = 10.0
BY = "handoff"
"""Who has withdrawn a tool, in the history."""
WITHDRAWN = (
    "The MCP tool {name} has changed since it was allowed, so the AI no longer calls it. To look at it "
    "and allow it again, run /handoff mcp and choose Tools."
)


class ServerList:
    """The servers in order.

    Args:
        tool_servers: asks them; None without a language model.
        tokens: the host of each bearer token, by name.
        allows_loopback: whether servers on this machine may be asked.
    """

    def __init__(
        self,
        preferences: Preferences,
        tool_servers: ToolServers | None = None,
        tokens: Mapping[str, str] | None = None,
        *,
        allows_loopback: bool = False,
    ) -> None:
        adapter: TypeAdapter[McpServer] = MCP_SERVER
        self.rules = RuleSet(preferences, MCP_SERVERS, adapter)
        self.tokens = dict(tokens or {})
        self.allows_loopback = allows_loopback
        self._tool_servers = tool_servers

    def listed(self, server: McpServer) -> Listed:
        """Asks a server for its tools. Takes up to LOOK_SECONDS."""
        if self._tool_servers is None:
            return Listed("no language model")
        return self._tool_servers.tools(server, LOOK_SECONDS)

    def look(self, number: int, by: str, seen: int) -> Listed | None:
        """Asks a server for its tools, and stores them as looked at; None if the list has changed."""
        rules = self.rules.all()
        if seen != self.rules.seen() or not 0 <= number < len(rules):
            return None
        listed = self.listed(rules[number])
        if listed.outcome != "ok":
            return listed
        after = looked_at(rules[number], listed.tools)
        return listed if self.rules.put(number, after, by, seen) else None

    def allow(self, number: int, digests: Sequence[str], by: str, seen: int) -> bool:
        """Allows these tools of a server, and no others; False if the list has changed."""
        rules = self.rules.all()
        if not 0 <= number < len(rules):
            return False
        return self.rules.put(number, allowing(rules[number], digests), by, seen)


def withdraw(database: Database, look_up: ToolLookUp, clock: Clock) -> None:
    """Switches a tool off that is not the one that was allowed, and tells the admins once."""
    with database.write() as tx:
        may_save(tx, {MCP_SERVERS}, None)
        before = rule_lists.read(tx, MCP_SERVERS, MCP_SERVER)
        after = withdrawn(before, look_up)
        if after == before:
            return
        stored = [MCP_SERVER.dump_python(one, mode="json") for one in after]
        Preferences(database, clock).change_in(tx, MCP_SERVERS, stored, BY)
        tell_admins(tx, WITHDRAWN.format(name=look_up.name), clock.now())
