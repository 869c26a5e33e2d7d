"""Slack's format of typed text: escaped mrkdwn for `text`, a rich_text block for `blocks`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from handoff_sandbox.slack.payloads import Json

_TOKEN = re.compile(
    r"<@(?P<user>[UW]\w+)>"
    r"|<#(?P<channel>[CG]\w+)(?:\|[^>]*)?>"
    r"|<!subteam\^(?P<usergroup>S\w+)(?:\|[^>]*)?>"
    r"|<!(?P<range>here|channel|everyone)>"
    r"|(?P<url>https?://[^\s<>]+)"
    r"|(?<!\S):(?P<emoji>[a-z0-9_+-]+):(?!\S)"
)

_MENTIONS = {"user": "@", "channel": "#", "usergroup": "!subteam^"}


def typed(text: str) -> tuple[str, Json]:
    """Returns the event's `text` and the rich_text block of typed text.

    `<@U…>`, `<#C…>`, `<!subteam^S…>` and `<!here>` stand for mentions from the menu; addresses become links,
    `:wave:` an emoji; everything else stays as typed.
    """
    elements = list(_elements(text))
    section = {"type": "rich_text_section", "elements": elements}
    return "".join(map(_as_mrkdwn, elements)), {"type": "rich_text", "elements": [section]}


def as_command(text: str, name_of: Callable[[str], str]) -> str:
    """Returns the text of a slash command with `should_escape`: mentions carry ids and names."""

    def mention(found: re.Match[str]) -> str:
        kind = found.lastgroup or ""
        if kind not in _MENTIONS:
            return found[0]
        return f"<{_MENTIONS[kind]}{found[kind]}|{name_of(found[kind])}>"

    return _TOKEN.sub(mention, text)


def escape(text: str) -> str:
    """Escapes the three characters that Slack escapes."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _elements(text: str) -> Iterator[Json]:
    at = 0
    for found in _TOKEN.finditer(text):
        if found.start() > at:
            yield {"type": "text", "text": text[at : found.start()]}
        yield _special(found)
        at = found.end()
    if at < len(text):
        yield {"type": "text", "text": text[at:]}


def _special(found: re.Match[str]) -> Json:
    kind = found.lastgroup or ""
    value = found[kind]
    match kind:
        case "user":
            return {"type": "user", "user_id": value}
        case "channel":
            return {"type": "channel", "channel_id": value}
        case "usergroup":
            return {"type": "usergroup", "usergroup_id": value}
        case "range":
            return {"type": "broadcast", "range": value}
        case "url":
            return {"type": "link", "url": value}
    return {"type": "emoji", "name": value}


def _as_mrkdwn(element: Json) -> str:
    match element["type"]:
        case "user":
            return f"<@{element['user_id']}>"
        case "channel":
            return f"<#{element['channel_id']}|>"
        case "usergroup":
            return f"<!subteam^{element['usergroup_id']}>"
        case "broadcast":
            return f"<!{element['range']}>"
        case "link":
            return f"<{escape(element['url'])}>"
        case "emoji":
            return f":{element['name']}:"
    return escape(element["text"])
