"""A shop's stand-in: the status of its orders, for signed look-ups, and the model that asks for it.

The model also asks for the shop's stock, which an MCP server knows (`tool_server.py`).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import time
from typing import Any

from flask import Flask, Response, jsonify, request

from handoff_sandbox.faults import Faults
from handoff_sandbox.journal import Journal
from handoff_sandbox.openai import Called, Said, shapes
from handoff_sandbox.server import Server
from handoff_sandbox.slack import SlackStandIn
from handoff_sandbox.tool_server import STOCK_TOOL

Json = dict[str, Any]

ORDERS: dict[str, Json] = {
    "4711": {"status": "shipped", "carrier": "DHL", "arrives": "2026-12-02"},
    "4712": {"status": "being packed", "carrier": None, "arrives": None},
}
FUNCTION = "order_status"
SERVER, STOCK_FUNCTION = "stock", "stock-check_stock"
SIGNED_AS = "shop"
_PATIENCE = 10.0
_LATE = 300
"""Seconds after which a signature is refused."""
_SIGNED = re.compile(r"t=(\d+),v1=([0-9a-f]{64})")
_NUMBER = re.compile(r"\b\d{4}\b")


class ShopStandIn:
    """A shop on loopback. `secret` signs requests; without a valid signature they get 401."""

    def __init__(
        self, secret: str, journal: Journal | None = None, faults: Faults | None = None
    ) -> None:
        self._secret = secret
        app = Flask(__name__, static_folder=None)
        app.get("/orders/<number>")(self._order)
        self._server = Server(app, "shop", journal or Journal(), faults or Faults())
        self.url = self._server.url

    def start(self) -> ShopStandIn:
        self._server.start()
        return self

    def stop(self) -> None:
        self._server.stop()

    def __enter__(self) -> ShopStandIn:
        return self.start()

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def _order(self, number: str) -> Response:
        if not self._is_signed():
            return _answer(401, {"error": "invalid signature"})
        if number not in ORDERS:
            return _answer(404, {"error": "unknown order"})
        return _answer(200, {"order": {"number": number, **ORDERS[number]}, "margin": 0.4})

    def _is_signed(self) -> bool:
        found = _SIGNED.fullmatch(request.headers.get("Handoff-Signature", ""))
        if not found or abs(time.time() - int(found[1])) > _LATE:
            return False
        signed = f"{found[1]}.GET {request.url}".encode()
        wanted = hmac.new(self._secret.encode(), signed, hashlib.sha256).hexdigest()
        return hmac.compare_digest(wanted, found[2])


def _answer(status: int, body: Json) -> Response:
    response = jsonify(body)
    response.status_code = status
    return response


def define_look_up(slack: SlackStandIn, admin: str, channel: str, shop_url: str) -> None:
    """Adds the shop's look-up as an admin would, in `/handoff lookups`; without effect if it exists.

    Raises:
        TimeoutError: the bot does not respond.
    """
    below = len(slack.views(admin))
    slack.command(admin, channel, "/handoff", "lookups")
    slack.wait_for(lambda: len(slack.views(admin)) > below, _PATIENCE)
    slack.click_view(admin, slack.views(admin)[-1]["id"], "lookups_add")
    slack.wait_for(lambda: len(slack.views(admin)) > below + 1, _PATIENCE)
    values = {
        "lookup_name": FUNCTION,
        "lookup_when": "The customer asks where an order is, and has given its number.",
        "lookup_url": f"{shop_url}/orders/{{number}}",
        "lookup_parameters": "number: The number of the order",
        "lookup_shown": "Status: order.status\nCarrier: order.carrier\nArrives: order.arrives",
        "lookup_secret": SIGNED_AS,
        "lookup_on": ["yes"],
    }
    slack.submit(admin, slack.views(admin)[-1]["id"], values)
    for view in slack.views(admin)[below:][:1]:
        slack.close(admin, view["id"])


def define_tools(slack: SlackStandIn, admin: str, channel: str, url: str) -> None:
    """Adds the shop's MCP server as an admin would, in `/handoff mcp`, and allows the tool that reads;
    without effect if it exists.

    Raises:
        TimeoutError: the bot does not respond.
    """
    below = len(slack.views(admin))
    slack.command(admin, channel, "/handoff", "mcp")
    slack.wait_for(lambda: len(slack.views(admin)) > below, _PATIENCE)
    slack.click_view(admin, slack.views(admin)[-1]["id"], "mcp_add")
    slack.wait_for(lambda: len(slack.views(admin)) > below + 1, _PATIENCE)
    values = {"mcp_name": SERVER, "mcp_url": url, "mcp_token": SERVER}

    def wait_until_shown(what: str, seconds: float = _PATIENCE) -> None:
        slack.wait_for(lambda: what in str(slack.views(admin)[-1]["blocks"]), seconds)

    if not slack.submit(admin, slack.views(admin)[-1]["id"], values).errors:
        wait_until_shown("mcp_more")
        slack.click_view(admin, slack.views(admin)[-1]["id"], "mcp_more")
        wait_until_shown("mcp_allowed", 2 * _PATIENCE)
        allowed = {"mcp_allowed": [STOCK_TOOL["name"]]}
        slack.submit(admin, slack.views(admin)[-1]["id"], allowed)
        wait_until_shown("Tools saved")
    while len(slack.views(admin)) > below:
        slack.close(admin, slack.views(admin)[-1]["id"])


def asks_the_shop(body: Json) -> Said | None:
    """A script for the model: looks up the order or the item that the customer names last."""
    tools = {one.get("name") for one in body.get("tools") or ()}
    lines = shapes.words_of(body, "user").splitlines()
    turns = [json.loads(one) for one in lines if one.startswith('{"role"')]
    last = turns[-1]["text"] if turns else ""
    if FUNCTION in tools:
        if told := shapes.outputs(body, FUNCTION):
            return _answer_of(FUNCTION, _said(_told(told)))
        found = _NUMBER.search(last)
        if found and "order" in last:
            return Called(((FUNCTION, {"number": found[0]}),))
    if STOCK_FUNCTION in tools:
        if told := shapes.outputs(body, STOCK_FUNCTION):
            return _answer_of(STOCK_FUNCTION, _stock_said(_told(told)))
        if "stock" in last:
            return Called(((STOCK_FUNCTION, {"item": last}),))
    return None


def _told(outputs: list[str]) -> Json:
    held: Json = json.loads(outputs[-1].splitlines()[1])
    return held


def _answer_of(function: str, text: str) -> Json:
    return {"answer": text, "confidence": 0.9, "used_sources": [function], "clarifies": False}


def _stock_said(held: Json) -> str:
    if held["outcome"] != "ok":
        return "I could not find this item. Would you like to talk to a person?"
    facts = dict(line.split(": ", 1) for line in held["result"].splitlines())
    return f"We have {facts['pieces']} pieces of the {facts['item']}."


def _said(held: Json) -> str:
    if held["outcome"] != "ok":
        return "I could not find this order. Would you like to talk to a person?"
    facts = dict(line.split(": ", 1) for line in held["result"].splitlines())
    arrives = f" and arrives on {facts['Arrives']}" if "Arrives" in facts else ""
    return f"Your order is {facts['Status']}{arrives}."
