"""Who may do what: each listener and each kind of person, as signed requests against the running bot."""

import itertools
import json
from dataclasses import dataclass

import pytest
from sqlmodel import select

from handoff_bot.domain.results import ActionResult
from handoff_bot.domain.roles import Action
from handoff_bot.slack.cards.thread import render_words
from handoff_bot.slack.feature import Guarded, Shortcut
from handoff_bot.slack.features.admins import ADMINS_ALONE
from handoff_bot.slack.incoming.gate import WORDS
from handoff_bot.slack.incoming.registry import EVERYTHING
from handoff_bot.storage.models import Escalation, Message
from tests.desk.oddities import send_raw
from tests.slack import payloads
from tests.slack.resting import rest

pytestmark = pytest.mark.on_sqlite

OTHER_TEAM = "T0OTHER"


def entries():
    """Every listener with its kind, its name and its rule."""
    for kind in ("clicks", "views", "options", "commands", "events", "thread_commands"):
        for name, rule in getattr(EVERYTHING, kind).items():
            yield kind, str(name), rule
    for name, shortcut in EVERYTHING.shortcuts.items():
        yield "shortcuts", name, shortcut


def test_no_listener_is_without_its_rule():
    for kind, name, entry in entries():
        rule = entry.rule if isinstance(entry, Shortcut) else entry
        assert isinstance(rule, Guarded), (kind, name)
        assert isinstance(rule.action, Action), (kind, name)


def test_what_a_menu_stands_for_has_a_rule_of_its_own():
    for buttons in EVERYTHING.menus.values():
        assert buttons <= EVERYTHING.clicks.keys()


class Recorder:
    """Stands in for every listener while it is on: says which were called, and nothing happens."""

    def __init__(self):
        self.called = []
        self.is_on = False

    def instead_of(self, kind, name, listener):
        def call(*args):
            if not self.is_on:
                return listener(*args)
            self.called.append((kind, name))
            return self.answer(kind, args)

        return call

    def answer(self, kind, args):
        if kind in ("clicks", "views"):
            args[-1]()
        return {
            "commands": render_words("Done."),
            "thread_commands": ActionResult(True),
            "options": [],
        }.get(kind)


@pytest.fixture
def recorder():
    """In the place of all listeners, until the test ends."""
    made, before = Recorder(), []
    for kind, name, entry in entries():
        rule = entry.rule if isinstance(entry, Shortcut) else entry
        before.append((rule, rule.listener))
        object.__setattr__(rule, "listener", made.instead_of(kind, name, rule.listener))
    yield made
    for rule, listener in before:
        object.__setattr__(rule, "listener", listener)


@pytest.fixture
def team(recorder, bureau):
    """Ana has Dana's conversation; besides her everybody there is."""
    slack = bureau.slack
    bureau.kinds = {
        "assignee": bureau.ana,
        "agent": bureau.ben,
        "admin": bureau.mia,
        "owner of the workspace": slack.add_person("olga", "Olga"),
        "agent elsewhere": slack.add_person("otto", "Otto"),
        "guest": slack.add_person("gil", "Gil"),
        "guest of one": slack.add_person("gus", "Gus"),
        "stranger": slack.add_person("zoe", "Zoe", is_admin=True),
        "deactivated": slack.add_person("dee", "Dee"),
        "app": slack.add_person("appy", "Appy"),
    }
    who = bureau.kinds
    slack.person(who["owner of the workspace"]).is_owner = True
    slack.person(who["guest"]).is_restricted = True
    slack.person(who["guest of one"]).is_ultra_restricted = True
    stranger = slack.person(who["stranger"])
    stranger.is_stranger, stranger.team_id = True, OTHER_TEAM
    slack.person(who["deactivated"]).deleted = True
    slack.person(who["app"]).is_bot = True
    members = slack._workspace.channels[bureau.queue].members
    members += [
        one for kind, one in who.items() if kind != "agent elsewhere" and one not in members
    ]
    slack.add_channel("elsewhere", [who["agent elsewhere"]])
    bureau.says("I want a person")
    bureau.click(bureau.ana, "claim")
    bureau.recorder = recorder
    recorder.is_on = True
    return bureau


FULL = ("assignee", "agent", "admin", "owner of the workspace")
ADMINS = ("admin", "owner of the workspace")
EVERYBODY = (
    *FULL,
    "agent elsewhere",
    "guest",
    "guest of one",
    "stranger",
    "deactivated",
    "app",
)
REFUSALS = (*WORDS.values(), ADMINS_ALONE)


def those_who_may(kind, rule):
    if rule.action is Action.ADMINISTER:
        return ADMINS
    if rule.action is Action.REPORT:
        return EVERYBODY
    return FULL


@dataclass
class Asking:
    """Sends what Slack would send when a person of some kind uses a listener."""

    bureau: object

    def __post_init__(self):
        with self.bureau.database.read() as tx:
            self.escalation = tx.session.execute(select(Escalation)).scalars().one()
            self.message = tx.session.execute(select(Message)).scalars().first().id
        self.ts = self.bureau.card()

    def common(self, desk_id):
        person = self.bureau.slack.person(desk_id)
        team = person.team_id or self.bureau.slack.team_id
        return {
            "user": {"id": desk_id, "username": person.name, "name": person.name, "team_id": team},
            "team": {"id": self.bureau.slack.team_id, "domain": "sandbox"},
            "trigger_id": self.bureau.slack._slack.triggers.give(desk_id),
        }

    def click(self, name, desk_id):
        base = payloads.click(name, str(self.escalation.id)) | self.common(desk_id)
        base["container"] |= {"channel_id": self.bureau.queue, "message_ts": self.ts}
        base["channel"] = {"id": self.bureau.queue}
        base["message"]["ts"] = self.ts
        return base

    def view(self, name, desk_id):
        about = {
            "escalation_id": self.escalation.id,
            "slack_channel": self.bureau.queue,
            "ts": self.ts,
            "message_id": self.message,
            "number": self.escalation.ticket_id,
        }
        view = {
            "id": "V1",
            "type": "modal",
            "callback_id": name,
            "private_metadata": json.dumps(about),
        }
        return {"type": "view_submission", "view": view} | self.common(desk_id)

    def command(self, name, desk_id):
        fields = payloads.command(f"{name} {self.escalation.ticket_id}")
        person = self.bureau.slack.person(desk_id)
        return fields | {
            "user_id": desk_id,
            "team_id": person.team_id or self.bureau.slack.team_id,
            "trigger_id": self.bureau.slack._slack.triggers.give(desk_id),
        }

    def shortcut(self, name, desk_id):
        base = {"type": "message_action", "callback_id": name} | self.common(desk_id)
        message = {"ts": self.ts, "thread_ts": self.ts, "text": "…"}
        return base | {"channel": {"id": self.bureau.queue}, "message": message}

    def said(self, text, desk_id, number):
        person = self.bureau.slack.person(desk_id)
        team = person.team_id or self.bureau.slack.team_id
        event = payloads.event(
            number,
            user=desk_id,
            text=text,
            channel=self.bureau.queue,
            thread_ts=self.ts,
            ts=f"1763889999.{number:06d}",
            team=team,
            user_team=team,
        )
        event["team_id"] = self.bureau.slack.team_id
        return event


def told(team, desk_id, since):
    """What a person was shown since then: whispers, windows, Home, answers to clicks."""
    shown = []
    for entry in team.slack.journal.entries("slack")[since:]:
        if entry.direction == "in" and isinstance(entry.request, dict):
            shown.append(json.dumps(entry.request, ensure_ascii=False))
    return "\n".join(shown)


def walk(team, kind, make):
    """Whom each listener of a kind was called for; and who was refused without a word."""
    called, silent, right = {}, [], {}
    for each, name, entry in entries():
        if each != kind:
            continue
        rule = entry.rule if isinstance(entry, Shortcut) else entry
        right[name] = those_who_may(kind, rule)
        called[name] = ()
        for person, desk_id in team.kinds.items():
            since, before = len(team.slack.journal.entries("slack")), len(team.recorder.called)
            answer = post(team, make(name, desk_id))
            rest(team.listeners)
            if kind in ("events", "thread_commands"):
                team.core.worker.run_until_idle()
            if (kind, name) in team.recorder.called[before:]:
                called[name] += (person,)
            elif person != "app" and not is_refused(answer + told(team, desk_id, since)):
                silent.append((name, person))
    return called, right, silent


def is_refused(text):
    return any(one.split(".")[0] in text for one in REFUSALS)


def post(team, payload):
    return send_raw(team, payload).text


def check(team, kind, make):
    called, right, silent = walk(team, kind, make)
    assert called == {
        name: tuple(one for one in EVERYBODY if one in who) for name, who in right.items()
    }
    assert silent == []


@pytest.mark.thorough
def test_each_click_is_for_those_who_may_and_the_others_are_told(team):
    check(team, "clicks", Asking(team).click)


def test_each_window_is_for_those_who_may_and_the_others_are_told(team):
    check(team, "views", Asking(team).view)


def test_each_command_is_for_those_who_may_and_the_others_are_told(team):
    check(team, "commands", Asking(team).command)


def test_each_shortcut_is_for_those_who_may_and_the_others_are_told(team):
    check(team, "shortcuts", Asking(team).shortcut)


def test_each_thread_command_is_for_those_who_may_and_the_others_are_told(team):
    asking, numbers = Asking(team), itertools.count(1)
    check(team, "thread_commands", lambda name, who: asking.said(f"!{name} 2h", who, next(numbers)))
