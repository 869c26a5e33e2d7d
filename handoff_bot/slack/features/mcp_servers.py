"""The admins' list of MCP servers, and which of their tools the AI may call.

What a server says of its tools is shown as plain text, bounded, and exactly as the AI gets it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

from slack_bolt import Ack

from handoff_bot.domain import look_ups, settings
from handoff_bot.domain.mcp_servers import (
    MOST_TOOLS,
    NOT_INSTALLED,
    Listed,
    McpServer,
    ServerTool,
    address_of,
    check,
)
from handoff_bot.domain.text import many
from handoff_bot.slack.feature import Click, Feature, Tools, submits
from handoff_bot.slack.features.admins import by_admins, put
from handoff_bot.slack.features.rules import OPENED, Opened, RuleList, RuleModals, RuleWords
from handoff_bot.slack.kit.fields import Entered, labelled, modal
from handoff_bot.slack.kit.form import Form, Submission, several, text, tick
from handoff_bot.slack.kit.text import WARNING, Block, actions, section, shorten, told

SERVERS = RuleList(
    "mcp",
    "MCP servers",
    "Servers of yours whose tools the AI may call to answer a question, over Streamable HTTP. Each tool "
    "is off until you allow it.",
    "Without a language model (OPENAI_API_KEY), no tool is called.",
    noun="server",
    more="Tools…",
)
CHANGED_MEANWHILE = "The servers have changed in the meantime. Go back and open them again."
UNKNOWN_TOKEN = "Unknown token. Known tokens: {names}. LOOK_UP_SECRETS defines them."  # noqa: S105
OTHER_HOST = "This token is only for {host}, as LOOK_UP_SECRETS says."
TAKEN = "A server with this name already exists."
TOO_MANY_ON = f"At most {MOST_TOOLS} tools of all servers can be allowed."
NAME_RULE = "Use lowercase letters, digits and _, such as shop."
ASKING = "Asking the server for its tools…"
NO_TOOLS = "The server has no tools."
MORE_TOOLS = f"The server has more tools. Only the first {MOST_TOOLS} can be used."
NOT_READING = (
    "Changes data: not available. The AI calls only tools whose server says that they only read."
)
HAS_CHANGED = "This tool has changed since it was allowed, and is off."
TOO_COMPLEX = "This tool cannot be used: its parameters are too long or too complex."
_WHY = {
    NOT_INSTALLED: "Handoff was installed without it. Run pip install 'handoff-bot[mcp]' on the server.",
    "no language model": "Set OPENAI_API_KEY first.",
    "timeout": "It did not answer in time.",
    "unreachable": "It cannot be reached.",
    "unknown secret": "Its token is not in LOOK_UP_SECRETS, or is for another host.",
    "status 401": "It refuses the token (401).",
    "status 403": "It refuses the token (403).",
    "answer too large": "Its answer is too large.",
    "invalid answer": "It does not answer as an MCP server does.",
    "address not allowed": "Its host name leads to an address that is not public.",
}
_LONGEST_TOOL = 2_900


def _name(entered: Entered) -> str:
    name = settings.line(entered)
    if not look_ups.NAME.fullmatch(name):
        raise ValueError(NAME_RULE)
    return name


NAME = text("mcp_name", "Name", placeholder="shop", most=40, current=lambda one: one.name).parsed(
    _name
)
URL = text(
    "mcp_url",
    "URL",
    placeholder="https://mcp.shop.example.com/mcp",
    most=1000,
    hint="The endpoint for Streamable HTTP. Redirects are not followed.",
    current=lambda one: one.url,
)
TOKEN = text(
    "mcp_token",
    "Token",
    placeholder="shop",
    most=40,
    hint="The name of a bearer token in LOOK_UP_SECRETS (name@host:token); empty for none.",
    optional=True,
    current=lambda one: one.secret,
)
PRIVATE = tick(
    "mcp_private",
    "Network",
    "The host is in our private network",
    optional=True,
    current=lambda one: one.is_private,
)
FORM: Form[Opened] = Form(
    "Add a server",
    SERVERS.edit,
    (NAME, URL, TOKEN, PRIVATE, actions(labelled(SERVERS.preview, "Try it", "preview"))),
    OPENED,
    close="Back",
    conflict=(NAME, CHANGED_MEANWHILE),
)
ALLOWED = several(
    "mcp_allowed",
    "The AI may call",
    "No tool",
    {},
    optional=True,
    current=lambda one: tuple(each.digest for each in one.allowed),
)
TOOLS: Form[Opened] = Form(
    "Tools",
    "mcp_tools",
    (ALLOWED,),
    OPENED,
    close="Back",
    conflict=(ALLOWED, CHANGED_MEANWHILE),
)


def server_words(one: McpServer) -> RuleWords:
    """Returns a server as text."""
    token = f"with the token {one.secret}" if one.secret else "without a token"
    private = ", in the private network" if one.is_private else ""
    allowed = ", ".join(each.name for each in one.allowed) or "no tool"
    changed = ", ".join(each.name for each in one.tools if each.has_changed)
    warned = f"\n{WARNING}Changed, so off: {changed}" if changed else ""
    words = f"{one.name}: {one.url}, {token}{private}\nThe AI may call: {allowed}{warned}"
    return RuleWords(shorten(words, 900))


def why_not(outcome: str) -> str:
    """Returns why a server could not be asked, and what to do."""
    return f"The server cannot be used. {_WHY.get(outcome, f'Reason: {outcome}.')}"


def render_tools(server: McpServer, listed: Listed, opened: Opened) -> Block:
    """Renders a server's tools, each as the AI would get it."""
    above = [told(f"{WARNING}{MORE_TOOLS}")] if listed.has_more else []
    for one in server.tools:
        above += _tool(one)
    offered = {one.digest: one.name for one in server.tools if one.is_usable}
    if not offered:
        return modal(TOOLS.title, above or [section(NO_TOOLS)], close="Back")
    form = replace(TOOLS, parts=(*above, ALLOWED.offering(offered)))
    return form.render(opened, server)


def _tool(one: ServerTool) -> Iterator[Block]:
    lines = [one.name, one.description or "(no description)", *_parameters(one.schema)]
    yield section(shorten("\n".join(lines), _LONGEST_TOOL))
    if one.has_changed:
        yield told(f"{WARNING}{HAS_CHANGED}")
    if not one.schema:
        yield told(f"{WARNING}{TOO_COMPLEX}")
    elif not one.only_reads:
        yield told(f"{WARNING}{NOT_READING}")


def _parameters(schema: str) -> Iterator[str]:
    held = json.loads(schema) if schema else {}
    for name, each in held.get("properties", {}).items():
        needed = "" if name in held.get("required", ()) else ", optional"
        # The rest of a nested parameter, too: the AI gets all of it.
        inner = {key: value for key, value in each.items() if key not in ("type", "description")}
        more = f" {json.dumps(inner, ensure_ascii=False)}" if inner else ""
        yield f"• {name} ({each.get('type', 'any')}{needed}): {each.get('description', '-')}{more}"


# -- listeners


def _parsed(tools: Tools, entered: Submission[Opened]) -> McpServer:
    known, number = tools.core.mcp_servers, entered.about.number
    rules = known.rules.all()
    before = rules[number] if 0 <= number < len(rules) else McpServer()
    found = McpServer(entered[NAME], entered[URL], entered[TOKEN], entered[PRIVATE])
    if found.name in [one.name for n, one in enumerate(rules) if n != number]:
        raise NAME.invalid(TAKEN)
    try:
        check(found, allows_loopback=known.allows_loopback)
    except ValueError as wrong:
        raise URL.invalid(str(wrong)) from None
    if found.secret and found.secret not in known.tokens:
        raise TOKEN.invalid(UNKNOWN_TOKEN.format(names=", ".join(known.tokens) or "none"))
    if found.secret and known.tokens[found.secret] != address_of(found).origin.host:
        raise TOKEN.invalid(OTHER_HOST.format(host=known.tokens[found.secret]))
    # Another address may be another server: its tools have to be allowed again.
    return replace(found, tools=before.tools if before.url == found.url else ())


def _tried(tools: Tools, rules: list[McpServer], which: int) -> str:
    listed = tools.core.mcp_servers.listed(rules[which])
    if listed.outcome != "ok":
        return f"{WARNING}{why_not(listed.outcome)}"
    count = len(listed.tools)
    return f"The server answers, and has {many(count, 'tool', 'tools')}. Save, then choose Tools."


MODALS = RuleModals(
    kind=SERVERS,
    book=lambda tools: tools.core.mcp_servers.rules,
    form=FORM,
    offered=lambda _tools: (),
    parse=_parsed,
    in_words=server_words,
    preview=_tried,
    empty=McpServer(),
)


def _looked(tools: Tools, click: Click, ack: Ack) -> None:
    """Opens a server's tools, as the server says now."""
    ack()
    core, number = tools.core.mcp_servers, click.number or 0
    shown = put(tools, click, modal(TOOLS.title, [section(ASKING)], close="Back"))
    listed = core.look(number, click.desk_id, OPENED.parse(click.metadata).seen)
    seen = core.rules.seen()
    if click.view_id:
        tools.desk.update_view(click.view_id, MODALS.render(tools))
    if listed is None or listed.outcome != "ok":
        words = CHANGED_MEANWHILE if listed is None else why_not(listed.outcome)
        tools.desk.update_view(shown, modal(TOOLS.title, [told(f"{WARNING}{words}")], close="Back"))
        return
    server = core.rules.all()[number]
    tools.desk.update_view(shown, render_tools(server, listed, Opened(number, seen)))


def _allowed(tools: Tools, entered: Submission[Opened], ack: Ack) -> None:
    """Saves which tools the AI may call."""
    core, opened, chosen = tools.core.mcp_servers, entered.about, entered[ALLOWED]
    others = [one for n, one in enumerate(core.rules.all()) if n != opened.number]
    if len(chosen) + sum(len(one.allowed) for one in others) > MOST_TOOLS:
        raise ALLOWED.invalid(TOO_MANY_ON)
    TOOLS.require_unchanged(core.allow(opened.number, chosen, entered.by, opened.seen))
    ack()
    if entered.below:
        tools.desk.update_view(entered.below, MODALS.render(tools, "Tools saved."))


_LIST = MODALS.feature("/handoff mcp: MCP servers whose tools the AI may call")
FEATURE = Feature(
    clicks={**_LIST.clicks, SERVERS.open_more: by_admins(_looked)},
    views={**_LIST.views, TOOLS.callback_id: by_admins(submits(TOOLS, _allowed))},
    commands=_LIST.commands,
    help=_LIST.help,
)
