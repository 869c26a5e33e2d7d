"""The team's own system is asked with a signature, at its own address only, and may answer anything."""

import hashlib
import hmac
import json
from typing import Any

import pytest
from flask import Flask, request

from handoff_bot.connectors import http
from handoff_bot.connectors.checks import check_customers
from handoff_bot.connectors.customers import CustomerSystem
from handoff_bot.domain.errors import ConnectorError
from handoff_sandbox.server import Faults, Journal, Server

SECRET = "customers-secret-of-forty-characters-long"


class System:
    """The team's web server: answers what a test wants, to signed requests."""

    def __init__(self):
        self.asked, self.answer = [], ({"attributes": {"Plan": "Pro"}}, 200, {})
        app = Flask("system")
        app.add_url_rule("/<path:path>", view_func=self._view, endpoint="any")
        self._server = Server(app, "customers", Journal(), Faults())
        self.url = f"{self._server.url}/customers"

    def _view(self, path):
        stamp, _, shown = request.headers["Handoff-Signature"].partition(",v1=")
        target = f"/{path}?{request.query_string.decode()}"
        signed = f"{stamp.removeprefix('t=')}.{target}".encode()
        if hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest() != shown:
            return "", 401
        self.asked.append((path, dict(request.args)))
        return self.answer

    def __enter__(self):
        self._server.start()
        return self

    def __exit__(self, *_):
        self._server.stop()


@pytest.fixture
def system():
    with System() as running:
        yield running


def customers(system, clock, secret=SECRET, query=""):
    return CustomerSystem(f"{system.url}{query}", secret, clock)


HOSTILE = "user:7&address=+1#/../admin?x=http://169.254.169.254/\r\nHost: evil"


@pytest.mark.parametrize(
    "address", ["whatsapp:+15550001", HOSTILE, "ü 漢"], ids=["usual", "hostile", "letters"]
)
@pytest.mark.parametrize("query", ["", "?team=1"])
def test_an_address_is_one_signed_parameter_whatever_it_contains(system, clock, address, query):
    assert customers(system, clock, query=query).look_up("whatsapp", address) == {"plan": "Pro"}
    ((path, asked),) = system.asked
    assert path == "customers"
    assert (asked["channel"], asked["address"]) == ("whatsapp", address)


ANSWERS: dict[str, Any] = {
    "a customer it does not know": (("", 404, {}), {}),
    "what is no attribute": (
        ({"attributes": {"a": [1], "plan": "x" * 500}}, 200, {}),
        {"plan": "x" * 119 + "…"},
    ),
}


@pytest.mark.parametrize(("answer", "found"), ANSWERS.values(), ids=ANSWERS)
def test_what_it_answers_is_bounded(system, clock, answer, found):
    system.answer = answer
    assert customers(system, clock).look_up("sms", "+15550001") == found


REFUSED: dict[str, Any] = {
    "a redirect": (("", 302, {"Location": "http://127.0.0.1:1/"}), True),
    "no permission": (("", 403, {}), True),
    "trouble": (("", 503, {}), False),
    "no JSON": (("<html>", 200, {}), True),
    "another shape": (("[1]", 200, {}), True),
    "nested without end": (("[" * 60_000, 200, {}), True),
    "too much": ((json.dumps({"attributes": {"plan": "x" * 70_000}}), 200, {}), True),
}


@pytest.mark.parametrize(("answer", "permanent"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_answer_is_refused_and_no_redirect_is_followed(system, clock, answer, permanent):
    system.answer = answer
    with pytest.raises(ConnectorError) as error:
        customers(system, clock).look_up("sms", "+15550001")
    assert error.value.permanent is permanent
    assert len(system.asked) == 1
    assert "+15550001" not in str(error.value)


def test_a_body_that_never_ends_is_given_up(system, clock, monkeypatch):
    monkeypatch.setattr(http, "_LONGEST_READ", 0.0)
    with pytest.raises(ConnectorError) as error:
        customers(system, clock).look_up("sms", "+15550001")
    assert not error.value.permanent


def test_the_doctor_says_whether_it_answers(system, clock):
    (good,) = check_customers(customers(system, clock))
    (bad,) = check_customers(customers(system, clock, secret="another"))
    assert (good.ok, bad.ok) == (True, False)
    assert "answered 401" in bad.words
