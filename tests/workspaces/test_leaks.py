"""Every listener, used from one workspace with the ids of another: nothing comes out or changes."""

import itertools
import json
import sqlite3
from contextlib import closing
from types import SimpleNamespace

import pytest
import requests
from sqlmodel import select

from handoff_bot.slack.incoming.registry import EVERYTHING
from handoff_bot.storage.models import Agent, Contact, Message
from tests.desk.oddities import send_raw
from tests.desk.test_roles import Asking, entries
from tests.slack import payloads
from tests.slack.resting import rest

KINDS = (
    "clicks",
    "menus",
    "views",
    "options",
    "commands",
    "events",
    "thread_commands",
    "shortcuts",
)
SECRETS = ("quetzal", "okapi", "axolotl", "narwhal", "+15550777", "+15550778")
"""What only Acme knows: words of its customers and agents, and their numbers."""
BOTH, ONLY_ACMES = 1, 2
"""Numbers of escalations, tickets and messages: the first exists in both workspaces."""


@pytest.fixture
def stocked(house):
    """Acme has two escalations, a reply and a note; Beta has one escalation, of the same number."""
    acme, beta = house.sides()
    for side, word, number in (
        (acme, "quetzal", "+15550777"),
        (beta, "my parcel is late", "+15550888"),
    ):
        side.customer_says(f"I want a person, about the {word}", number)
        side.click(side.ana, "claim")
    acme.slack.say(acme.ana, acme.queue, "Your okapi is on its way", acme.card())
    acme.slack.say(acme.ana, acme.queue, "note: beware of the axolotl", acme.card())
    acme.settle()
    acme.customer_says("I want a person, about the narwhal", "+15550778")
    acme.slack.command(acme.mia, acme.queue, "/handoff", "queue")
    acme.settle()
    house.acme_card = acme.card()
    return house


def dump(side):
    """All rows of a workspace's database."""
    with closing(sqlite3.connect(side.folder / "handoff.db")) as connection:
        return "\n".join(connection.iterdump())


class Driver(Asking):
    """Sends what Slack would send from one workspace, with the numbers and threads of another."""

    def __init__(self, side, number, ts):
        self.bureau = side
        self.escalation = SimpleNamespace(id=number, ticket_id=number)
        self.message, self.ts, self.numbers = number, ts, itertools.count(number * 1000)

    def of_kind(self, kind, name):
        """A request for each listener, by an admin, who may do everything."""
        who = self.bureau.mia
        make = {
            "clicks": self.click,
            "views": self.view,
            "commands": self.command,
            "shortcuts": self.shortcut,
            "options": self.options,
            "events": self.event,
            "menus": self.menu,
        }
        if kind == "thread_commands":
            return self.from_here(self.said(f"!{name} 2h", who, next(self.numbers)))
        return make[kind](name, who)

    def options(self, name, who):
        return {"type": "block_suggestion", "action_id": name, "value": "a"} | self.common(who)

    def menu(self, name, who):
        kind, _, button = name.partition(":")
        made = self.click(kind, who)
        made["actions"][0] |= {
            "type": "overflow",
            "selected_option": {"value": f"{button}:{self.escalation.id}"},
        }
        return made

    def event(self, name, who):
        made = payloads.event(next(self.numbers), user=who, channel=self.bureau.queue)
        made["event"] |= {"type": name, "tab": "home"}
        if name == "user_change":
            made["event"]["user"] = {"id": who, "deleted": True}
        return self.from_here(made)

    def reply(self):
        return self.from_here(self.said("Hello", self.bureau.mia, next(self.numbers)))

    def from_here(self, event):
        """What Slack says of the installation that it sends an event to."""
        event["team_id"] = self.bureau.slack.team_id
        event["authorizations"][0]["team_id"] = self.bureau.slack.team_id
        return event


def forged(payload, team_id):
    """The same, naming another team wherever an app or a person may write."""
    made = json.loads(json.dumps(payload))
    if "view" in made:
        about = json.loads(made["view"]["private_metadata"])
        made["view"]["private_metadata"] = json.dumps(about | {"team_id": team_id, "team": team_id})
        made["view"]["state"] = {"values": {"team_id": {"team_id": {"value": team_id}}}}
    for action in made.get("actions", ()):
        action["value"] = f"{action.get('value', '')}:{team_id}"
        action["block_id"] = team_id
    if "command" in made:
        made["text"] += f" {team_id} &team_id={team_id}"
    return made


def names(kind):
    if kind == "menus":
        return [
            f"{menu}:{one}" for menu, kinds in EVERYTHING.menus.items() for one in sorted(kinds)
        ]
    return [name for each, name, _ in entries() if each == kind]


def drive(side, kind, number, ts, team_id=""):
    """Use every listener of a kind; says what was answered."""
    driver = Driver(side, number, ts)
    heard = []
    for name in names(kind):
        payload = driver.of_kind(kind, name)
        heard.append(send_raw(side, forged(payload, team_id) if team_id else payload).text)
    if kind == "thread_commands":
        heard.append(send_raw(side, driver.reply()).text)
    rest(side.listeners)
    side.core.worker.run_until_idle()
    return "\n".join(heard)


def test_no_kind_of_listener_is_left_out():
    listeners = {name for name, value in vars(EVERYTHING).items() if isinstance(value, dict)}
    assert listeners <= set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_no_listener_shows_or_changes_anything_of_another_workspace(stocked, kind):
    acme, beta = stocked.sides()
    before, calls = dump(acme), len(acme.slack.journal.entries("slack"))
    answered = [
        drive(beta, kind, number, stocked.acme_card, team_id)
        for number in (ONLY_ACMES, BOTH)
        for team_id in ("", acme.slack.team_id)
    ]
    sent = [message.body for message in beta.twilio.messages()]
    shown = "\n".join((*answered, beta.seen(), dump(beta), *sent))
    assert [secret for secret in SECRETS if secret in shown] == []
    assert dump(acme) == before
    assert len(acme.slack.journal.entries("slack")) == calls


def test_the_same_requests_do_show_and_change_it_from_its_own_workspace(stocked):
    """Without this, the test above would also pass if nothing were answered at all."""
    acme = stocked.acme
    before, since = dump(acme), len(acme.slack.journal.entries("slack"))
    for kind in ("clicks", "thread_commands"):
        drive(acme, kind, BOTH, stocked.acme_card)
    shown = str([one.request for one in acme.slack.journal.entries("slack")[since:]])
    assert "quetzal" in shown
    assert "axolotl" in shown
    assert dump(acme) != before


def test_a_request_that_names_an_unknown_team_reaches_none(stocked):
    acme, beta = stocked.sides()
    before = dump(acme), dump(beta)
    driver = Driver(beta, BOTH, stocked.acme_card)
    made = driver.click("resolve", beta.mia)
    made["team"]["id"] = "T0NOBODY"
    assert send_raw(beta, made).status_code == 200
    command = driver.command("queue", beta.mia) | {"team_id": "T0NOBODY"}
    assert "not set up" in send_raw(beta, command).text
    assert (dump(acme), dump(beta)) == before


def test_an_unsigned_request_reaches_none(stocked):
    acme = stocked.acme
    before = dump(acme)
    body = json.dumps(Driver(acme, BOTH, stocked.acme_card).reply())
    answer = requests.post(
        acme.slack.events_url, body, headers={"Content-Type": "application/json"}, timeout=9
    )
    assert answer.status_code == 401
    assert dump(acme) == before


def visitor(house, side):
    """The token of a visitor to the workspace's website."""
    headers = {"Origin": f"https://{side.slug}.example"}
    address = f"{house.address}/w/{side.slug}/chat/session"
    return requests.post(address, json={}, headers=headers, timeout=9).json()["token"]


@pytest.mark.parametrize("origin", ["acme", "beta"])
def test_a_visitors_token_is_refused_at_the_address_of_another_workspace(stocked, origin):
    token = visitor(stocked, stocked.acme)
    headers = {"Origin": f"https://{origin}.example", "Authorization": f"Bearer {token}"}
    address = f"{stocked.address}/w/beta/chat/messages"
    said = {"id": "m1", "text": "Hello"}
    answer = requests.post(address, json=said, headers=headers, timeout=9)
    assert answer.status_code in (401, 403)
    own = requests.post(
        f"{stocked.address}/w/acme/chat/messages",
        json=said,
        headers=headers | {"Origin": "https://acme.example"},
        timeout=9,
    )
    assert own.status_code not in (401, 403, 404), "the token is accepted where it is from"


def test_reports_of_one_account_are_refused_at_the_address_of_the_other(stocked):
    acme, beta = stocked.sides()
    before = dump(beta)
    acme.twilio.bot_url = f"{stocked.address}/w/beta"
    found = acme.twilio.webhook("/webhooks/sms/status?oid=x", {"MessageSid": "SM1"})
    assert found.status == 403
    assert dump(beta) == before


def test_the_ids_of_both_workspaces_are_the_same(stocked):
    """Otherwise the tests above would show nothing."""
    acme, beta = stocked.sides()
    assert (acme.ana, acme.queue) == (beta.ana, beta.queue)
    for table in (Agent, Contact, Message):
        with acme.database.read() as one, beta.database.read() as other:
            ids = [
                {row.id for row in tx.session.execute(select(table)).scalars()}
                for tx in (one, other)
            ]
        assert ids[0] & ids[1]
