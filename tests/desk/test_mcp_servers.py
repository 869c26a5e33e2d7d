"""MCP servers in Slack: added, looked at, their tools allowed, and withdrawn when they change."""

from dataclasses import asdict, replace

import pytest

from handoff_bot.domain.mcp_servers import MOST_TOOLS, Listed, McpServer, allowing
from handoff_bot.domain.tool_definitions import tool_of
from handoff_bot.services.ai_turns.mcp_servers import WITHDRAWN, withdraw
from handoff_bot.slack.features import mcp_servers
from handoff_sandbox.tool_server import DELETE_TOOL, STOCK_TOOL
from tests.desk.conftest import words

pytestmark = pytest.mark.on_sqlite
SERVER = {
    "mcp_name": "shop",
    "mcp_url": "https://mcp.shop.example.com/mcp",
    "mcp_token": "shop",
    "mcp_private": None,
}
STOCK, DELETE = tool_of(STOCK_TOOL), tool_of(DELETE_TOOL)


def added(bureau, **fields):
    """Mia adds a server."""
    bureau.command(bureau.mia, "mcp")
    bureau.presses(bureau.mia, "mcp_add")
    return bureau.sends(bureau.mia, SERVER | fields)


def looks(bureau):
    bureau.presses(bureau.mia, "mcp_more", "0")
    return words(bureau.modal(bureau.mia))


def allows(bureau, *tools):
    looks(bureau)
    return bureau.sends(bureau.mia, {"mcp_allowed": [one.digest for one in tools]})


def offered(bureau):
    bureau.says("is the rain jacket in stock?")
    return bureau.assistant.asked[-1].rules.look_ups


def test_no_tool_may_be_called_until_an_admin_allows_it(bureau):
    assert added(bureau).errors == {}
    assert offered(bureau) == ()
    assert looks(bureau).count("check_stock") == 2  # with its description, and in the menu
    assert offered(bureau) == ()
    assert bureau.sends(bureau.mia, {"mcp_allowed": [STOCK.digest]}).errors == {}
    (one,) = offered(bureau)
    assert (one.name, one.tool.name) == ("shop-check_stock", "check_stock")
    assert "The AI may call: check_stock" in words(bureau.modal(bureau.mia))


def test_a_tool_that_may_change_data_is_shown_and_cannot_be_allowed(bureau):
    added(bureau)
    shown = looks(bureau)
    assert shown.count(mcp_servers.NOT_READING) == 1
    assert shown.count("delete_item") == 1  # with its description, and not in the menu
    held = replace(McpServer(), tools=(STOCK, DELETE))
    assert [one.name for one in allowing(held, [STOCK.digest, DELETE.digest]).tools] == [STOCK.name]


def test_a_tool_that_was_allowed_although_it_may_change_data_is_off(bureau):
    added(bureau)
    (stored,) = bureau.core.preferences.get("rules.mcp_servers", [])
    held = [asdict(replace(one, is_on=True)) for one in (STOCK, DELETE)]
    bureau.core.preferences.change("rules.mcp_servers", [stored | {"tools": held}], "UBEN")
    assert [one.name for one in offered(bureau)] == ["shop-check_stock"]
    bureau.command(bureau.mia, "mcp")
    assert "delete_item" not in words(bureau.modal(bureau.mia))


@pytest.mark.parametrize(
    ("field", "value", "error"),
    [
        ("mcp_name", "My shop", "Use lowercase letters"),
        ("mcp_url", "http://mcp.shop.example.com/mcp", "must begin with https://"),
        ("mcp_url", "https://10.0.0.1/mcp", "is not a public address"),
        ("mcp_url", "https://mcp.shop.example.com/mcp#a", "no part after #"),
        ("mcp_url", "mcp.shop.example.com", "Enter one such as"),
        ("mcp_token", "other", "Unknown token. Known tokens: shop."),
    ],
)
def test_a_server_that_cannot_be_is_refused_at_its_field(bureau, field, value, error):
    errors = added(bureau, **{field: value}).errors
    assert list(errors) == [field]
    assert error in errors[field]


def test_a_token_is_refused_for_another_host(bureau):
    errors = added(bureau, mcp_url="https://evil.example/mcp").errors
    assert errors == {"mcp_token": mcp_servers.OTHER_HOST.format(host="mcp.shop.example.com")}


def test_a_name_is_given_once(bureau):
    added(bureau)
    assert "mcp_name" in added(bureau).errors


def test_another_address_loses_the_allowed_tools(bureau):
    added(bureau)
    allows(bureau, STOCK)
    bureau.presses(bureau.mia, "mcp_change", "0")
    bureau.sends(bureau.mia, {"mcp_url": "https://mcp.shop.example.com/other"})
    assert offered(bureau) == ()


@pytest.mark.parametrize("outcome", ["timeout", "status 401", "not installed", "status 500"])
def test_a_server_that_does_not_answer_is_said_so_and_can_be_saved(bureau, outcome):
    bureau.tool_servers.listed = Listed(outcome)
    bureau.command(bureau.mia, "mcp")
    bureau.presses(bureau.mia, "mcp_add")
    added(bureau)
    assert mcp_servers.why_not(outcome) in looks(bureau)
    bureau.tool_servers.listed = Listed("ok")
    bureau.slack.close(bureau.mia, bureau.modal(bureau.mia)["id"])
    assert mcp_servers.NO_TOOLS in looks(bureau)


def test_what_a_server_says_of_a_tool_is_escaped_and_bounded(bureau):
    evil = STOCK_TOOL | {"name": "x", "description": "<!channel> *now* \u200b" + "y" * 10_000}
    complex_one = STOCK_TOOL | {"name": "z", "inputSchema": {"$ref": "https://evil.example"}}
    held = tuple(map(tool_of, (evil, complex_one)))
    bureau.tool_servers.listed = Listed("ok", held, has_more=True)
    added(bureau)
    looks(bureau)
    view = bureau.modal(bureau.mia)
    (shown,) = [one["text"] for one in view["blocks"] if "<!channel>" in words(one)]

    assert shown["type"] == "plain_text"
    assert len(shown["text"]) < 500
    assert mcp_servers.TOO_COMPLEX in words(view)
    assert mcp_servers.MORE_TOOLS in words(view)
    (menu,) = [one["element"] for one in view["blocks"] if one.get("block_id") == "mcp_allowed"]
    assert [one["value"] for one in menu["options"]] == [held[0].digest]
    assert allowing(McpServer(tools=held), [held[1].digest]).tools == ()


def test_a_server_without_usable_tools_offers_no_menu(bureau):
    complex_one = tool_of(STOCK_TOOL | {"inputSchema": {"type": "array"}})
    bureau.tool_servers.listed = Listed("ok", (complex_one,))
    added(bureau)
    assert mcp_servers.TOO_COMPLEX in looks(bureau)
    assert bureau.modal(bureau.mia)["submit"] is None


def test_a_tool_that_changed_is_off_and_the_admins_are_told_once(bureau):
    added(bureau)
    allows(bureau, STOCK)
    (one,) = offered(bureau)
    for _ in range(2):
        withdraw(bureau.database, one, bureau.clock)
        bureau.settle()

    told = WITHDRAWN.format(name="shop-check_stock")
    assert words(bureau.slack.messages(bureau.queue)).count(told) >= 1
    assert [words(each).count(told) > 0 for each in bureau.slack.messages(bureau.queue)].count(
        True
    ) == 1
    assert offered(bureau) == ()
    changed = replace(STOCK, digest="0" * 64)
    bureau.tool_servers.listed = Listed("ok", (changed, DELETE))
    bureau.command(bureau.mia, "mcp")
    assert "Changed, so off: check_stock" in words(bureau.modal(bureau.mia))
    assert mcp_servers.HAS_CHANGED in looks(bureau)
    bureau.sends(bureau.mia, {"mcp_allowed": ["0" * 64]})
    assert [each.tool.digest for each in offered(bureau)] == ["0" * 64]


def test_a_tool_that_an_admin_allowed_again_meanwhile_stays_on(bureau):
    added(bureau)
    allows(bureau, STOCK)
    (one,) = offered(bureau)
    withdraw(bureau.database, replace(one, tool=replace(one.tool, digest="1" * 64)), bureau.clock)
    assert offered(bureau) == (one,)


def test_two_admins_do_not_overwrite_each_other(bureau):
    added(bureau)
    looks(bureau)
    bureau.core.preferences.change("rules.mcp_servers", [], "UBEN")
    errors = bureau.sends(bureau.mia, {"mcp_allowed": [STOCK.digest]}).errors
    assert errors == {"mcp_allowed": mcp_servers.CHANGED_MEANWHILE}


def test_all_servers_together_have_a_limit(bureau):
    many = tuple(tool_of(STOCK_TOOL | {"name": f"tool_{number}"}) for number in range(MOST_TOOLS))
    bureau.tool_servers.listed = Listed("ok", many)
    added(bureau)
    assert allows(bureau, *many).errors == {}
    added(bureau, mcp_name="other")
    bureau.presses(bureau.mia, "mcp_more", "1")
    errors = bureau.sends(bureau.mia, {"mcp_allowed": [many[0].digest]}).errors
    assert errors == {"mcp_allowed": mcp_servers.TOO_MANY_ON}


def test_agents_who_are_no_admins_define_no_servers(bureau):
    bureau.command(bureau.ana, "mcp")
    assert bureau.slack.views(bureau.ana) == []
