"""Every state of every message, modal and Home tab, by name: what the snapshots hold."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from handoff_bot.domain.desk import AgentRef, Button, EphemeralMessage, Post, PostKind
from handoff_bot.domain.escalations import Status
from handoff_bot.domain.hours import Availability
from handoff_bot.domain.signals import Mood, Priority, Signal
from handoff_bot.services.home import SetupStep, StepId
from handoff_bot.slack.cards.card import render_board, render_card
from handoff_bot.slack.cards.thread import render_ephemeral, render_post, render_posts
from handoff_bot.slack.features import availability, setup
from handoff_bot.slack.features.actions import conversation
from handoff_bot.slack.features.home import render_home, render_presence
from handoff_bot.slack.kit import fields, text
from handoff_bot.slack.kit.text import SlackMessage, forms
from tests.slack import builders, drawings
from tests.slack.builders import CARD_AT
from tests.slack.drawings import WORKSPACE
from tests.slack.modal_states import (
    LATER,
    USUAL,
    Payload,
    empty_modals,
    message,
    modal_states,
)

HERE = Availability(True, False, None, True, 2, 5, ("mon-fri 9:00-17:00",), "Europe/Berlin", 3)


def snapshots() -> dict[str, Payload]:
    """Name -> what is sent to Slack, as plain data."""
    found = {
        **_named("messages", {k: message(v) for k, v in drawings.messages(USUAL).items()}),
        **_named("messages/hostile", {k: message(v) for k, v in _hostile_messages().items()}),
        **_named("cards", {k: message(render_card(v)) for k, v in _cards().items()}),
        **_named("posts", {k: message(v) for k, v in _posts().items()}),
        **_named("plainer", dict(_plainer())),
        **_named("modals", drawings.views(USUAL)),
        **_named("modals/empty", empty_modals()),
        **_named("modals/states", modal_states()),
        **_named("home", _homes()),
        **_named("setup", _setups()),
    }
    kept: dict[str, Payload] = {}
    for name, payload in found.items():
        if payload not in kept.values():  # 500 rows often look as 50 do
            kept[name] = payload
    return kept


def _named(folder: str, payloads: Mapping[str, Payload]) -> dict[str, Payload]:
    return {f"{folder}/{name.replace(' ', '_')}.json": each for name, each in payloads.items()}


def _hostile_messages() -> dict[str, SlackMessage]:
    every = drawings.messages(builders.HOSTILE)
    return {name: every[name] for name in (*drawings.CARDS, "post contact", "board of 1")}


def _setups() -> dict[str, Payload]:
    steps = {**_checklists(), "complete": ()}
    return {k: message(setup.render_checklist(v)) for k, v in steps.items()}


# -- cards


def _cards() -> dict[str, Any]:
    owned = {"vip": True, "mood": Mood.UPSET, "snoozed_until": LATER, "window_closes_at": LATER}
    due = {"reply_due_at": LATER, "solve_due_at": LATER + timedelta(hours=9)}
    found = {f"queued {each}": builders.card(priority=each) for each in Priority}
    found |= {f"queued for {each}": builders.card(reason=each) for each in Signal}
    found |= {f"claimed {each}": builders.claimed(mood=each) for each in Mood}
    return found | {
        "queued vip": builders.card(vip=True),
        "queued mentions here": builders.card(mentions=("here",)),
        "queued mentions group": builders.card(mentions=("S0CARE",)),
        "queued due": builders.card(**due),
        "queued for a group": builders.card(group_id="S0TEAM"),
        "queued for no group": builders.card(group_id="<!channel>"),
        "queued snoozed": builders.card(snoozed_until=LATER),
        "queued after stop": builders.card(opted_out=True),
        "queued after stop and invited": builders.card(opted_out=True, invited=True),
        "queued of a nameless contact": builders.card(
            contact="+15551234567", address="+15551234567"
        ),
        "queued without anything": builders.card(
            evidence="", summary="", tried="", recent=(), scores={}, language="", earlier_tickets=0
        ),
        "queued with odd scores": builders.card(
            scores={
                Signal.REQUEST: float("nan"),
                Signal.SENTIMENT: 7.0,
                Signal.COMPLEXITY: 0.6,
                Signal.CONFIDENCE: 0.3,
            }
        ),
        "queued with every speaker": builders.card(
            recent=builders.page(5, USUAL).lines, earlier_tickets=1
        ),
        "queued with notes": builders.card(notes=("Came from an ad: Sale", "Quotes: my order")),
        "reopened": builders.card(reopened=1),
        "reopened of an owner": builders.card(reopened=2, previous_owner="Ben"),
        "claimed with everything": builders.claimed(**owned, **due, notes=("A form: 4711",)),
        "claimed by nobody known": builders.claimed(owner=AgentRef("U0GONE", "")),
        "claimed on another channel": builders.claimed(channel="conversations"),
        "resolved with everything": builders.closed(Status.RESOLVED, **owned, **due),
        "resolved by nobody known": builders.closed(Status.RESOLVED, closed_by=None),
    }


# -- posts, ephemeral messages, plainer forms


def _posts() -> dict[str, SlackMessage]:
    told = Post(PostKind.TOLD, USUAL, about=CARD_AT, mentions=("U0ANA", "S0TEAM", "<!here>"))
    dana = Post(
        PostKind.CONTACT, USUAL, "Dana R.", "whatsapp", notes=("Quotes: hello", "From an ad")
    )
    ours = Post(PostKind.OURS, USUAL, "Ana")
    found = {
        "told with people and a link": render_post(told, WORKSPACE),
        "told without a workspace": render_post(told),
        "contact with notes": render_post(dana, named_outside=True),
        "contact with notes only": render_post(replace(dana, text="")),
        "contact named here": render_post(dana),
        "by an agent": render_post(ours),
        "two by an agent": render_posts([ours, replace(ours, text="And more")]),
        "two by a contact named outside": render_posts(
            [dana, replace(dana, notes=())], named_outside=True
        ),
        "several buttons": render_post(
            replace(
                told, button=Button.RETRY, buttons=(Button.USE_TEMPLATE, Button.SOONER), value="7"
            )
        ),
    }
    for button in Button:
        if button is not Button.MORE:
            one = EphemeralMessage("U0ANA", CARD_AT, f"{button.value} is offered", (button,), "7")
            found[f"ephemeral with {button.value}"] = render_ephemeral(one)
    return found


def _all(shown: Any) -> SlackMessage:
    return SlackMessage("All", shown)


def _plainer() -> Iterator[tuple[str, Payload]]:
    dana = Post(PostKind.CONTACT, builders.HOSTILE, "Dana <@U1>", "sms", mentions=("U0ANA",))
    made = {
        "card": forms(render_card(builders.card()), hint="Write !take in the thread."),
        "post": forms(render_post(dana, named_outside=True), render_post(dana)),
        "board": forms(render_board(builders.board(2), WORKSPACE)),
        "failure": forms(
            render_post(Post(PostKind.FAILURE, "It failed.", button=Button.RETRY, value="7"))
        ),
        "report": forms(drawings.messages(USUAL)["report of 1"]),
        "not in blocks": forms(_all([text.context(text.plain("Hello"))])),
        "links": forms(
            SlackMessage(
                "All", [text.context(text.mrkdwn("<https://a.example|Open> <!date^0^{date}|then>"))]
            )
        ),
        "conversation": forms(_all(conversation(builders.page(5), 7)["blocks"])),
    }
    warning = fields.modal("Rule", [text.section("As it is")], banner="⚠️ It never applies.")
    yield "without alerts", text.without_alerts(warning)
    for name, each in made.items():
        yield name, {"forms": [[one.text, one.blocks, one.is_full] for one in each]}


# -- Home


def _checklists() -> dict[str, tuple[SetupStep, ...]]:
    first = tuple(
        SetupStep(one, False, f"What is so now, and what to do: {one}.") for one in StepId
    )
    half = tuple(replace(one, done=n % 2 == 0) for n, one in enumerate(first))
    return {"at first": first, "half done": half}


def _homes() -> dict[str, Payload]:
    agent = replace(builders.home(3), may_administer=False)
    nobody = replace(builders.home(0), mine_today=None, may_administer=False)
    crowded = replace(builders.home(15), mine_in_all=40, waits=70)
    states = {
        "available": HERE,
        "available without a capacity": replace(HERE, capacity=0),
        "outside of hours": replace(HERE, in_hours=False),
        "away": replace(HERE, is_away=True),
        "away until": replace(HERE, is_away=True, until=LATER),
        "not on the roster": replace(HERE, on_roster=False),
        "by presence": replace(HERE, on_roster=False, by_presence=True),
    }
    drawn = {
        f"agent {k}": render_home(agent, WORKSPACE, "", render_presence(v))
        for k, v in states.items()
    }
    return drawn | {
        "admin": render_home(builders.home(3), WORKSPACE, "", render_presence(HERE)),
        **{
            f"admin with checklist {k}": render_home(
                builders.home(3), WORKSPACE, "", render_presence(HERE), setup.render_steps(v)
            )
            for k, v in _checklists().items()
        },
        "nobody configured": render_home(nobody, "", "", ()),
        "crowded": render_home(crowded, WORKSPACE, "Ana has this now.", render_presence(HERE)),
        "arrangement": availability.FORM.render(None, HERE),
        "arrangement empty": availability.FORM.render(
            None, replace(HERE, hours=(), timezone="", own_capacity=0)
        ),
    }
