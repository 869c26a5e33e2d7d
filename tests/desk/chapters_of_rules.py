"""Chapters of what goes on by rules: translation, waiting, routing, notices; see `recording`."""

from typing import Any

from handoff_bot.domain.signals import Priority, Signal
from handoff_sandbox.tool_server import STOCK_TOOL
from tests.desk.chapters import EVA, FAY, prefers
from tests.desk.recording import Recording


def translation(story: Recording) -> None:
    prefers(story, translation__on=True)
    story.bureau.detector.language = "es"
    story.says("Quiero hablar con un human")
    story.clicks("ana", "claim")
    story.says("¿Dónde está mi paquete?")
    story.writes("ana", "It is on its way")
    story.bureau.translator.fails = True
    story.writes("ana", "Tomorrow")
    story.bureau.translator.fails = False
    story.answers("ana", "translate_again")
    story.bureau.translator.fails = True
    story.writes("ana", "At noon")
    story.answers("ana", "send_as_written")


def waiting_and_reminders(story: Recording) -> None:
    bureau = story.bureau
    prefers(story, position_minutes=1, idle_minutes=3)
    group = bureau.slack.add_group("care", "Care", [bureau.ben])
    prefers(story, ladder__group=group)
    story.commands("ben", "on")
    story.says("I want a person")
    story.says("I want a person, too", EVA)
    for _ in range(8):
        story.waits(minutes=1)
    story.commands("ana", "next")
    story.says("Are you there?")
    story.waits(minutes=4)
    story.waits(minutes=60)
    prefers(story, ladder__rungs=["5 return"])
    story.says("I want a person", FAY)
    story.waits(minutes=6)


def routing_and_offers(story: Recording) -> None:
    bureau = story.bureau
    nobody = dict.fromkeys(
        (
            "rule_channels",
            "rule_reasons",
            "rule_priorities",
            "rule_languages",
            "rule_tags",
            "rule_vip",
        )
    )
    to: dict[str, Any] = dict.fromkeys(
        ("routing_channel", "routing_group", "routing_people", "routing_assigns")
    )
    to |= {"routing_mode": "free", "routing_seconds": "120"}
    story.commands("ana", "on")
    story.commands("ben", "on")
    story.commands("mia", "routing")
    story.presses("mia", "routing_add")
    story.presses("mia", "routing_preview", **nobody, **to | {"routing_people": [bureau.ana]})
    story.sends("mia", **nobody, **to | {"routing_seconds": "5"})
    asked = to | {"routing_mode": "round_robin", "routing_seconds": "60"}
    story.sends("mia", **nobody, **asked)
    story.presses("mia", "routing_add")
    story.sends("mia", **nobody | {"rule_vip": ["yes"]}, **to | {"routing_people": [bureau.ben]})
    story.presses("mia", "routing_up", "1")
    story.presses("mia", "routing_change", "0")
    story.sends("mia", rule_tags="refund")
    story.presses("mia", "routing_delete", "0")
    story.says("I want a person")
    story.waits(seconds=1)
    offered = next(one for one in ("ana", "ben") if bureau.told(getattr(bureau, one)))
    in_message(story, offered, "offer_decline")
    other = "ben" if offered == "ana" else "ana"
    story.waits(seconds=1)
    in_message(story, other, "offer_accept")
    prefers(story, routing__rules=[])
    story.commands("mia", "routing")
    story.presses("mia", "routing_add")
    assigned = to | {"routing_mode": "least_busy", "routing_assigns": ["yes"]}
    story.sends("mia", **nobody, **assigned)
    story.says("I want a person", EVA)
    story.waits(seconds=5)


def in_message(story: Recording, who: str, action_id: str) -> None:
    """Press a button of the newest direct message."""
    bureau, person = story.bureau, getattr(story.bureau, who)
    (channel,) = [c for c in bureau.slack.channels() if c.kind == "im" and person in c.members]
    ts = bureau.slack.messages(channel.id)[-1]["ts"]
    story.does(
        f"{who} presses {action_id} of the direct message",
        lambda: bureau.slack.click(person, channel.id, ts, action_id),
    )


def notices_to_the_team(story: Recording) -> None:
    bureau = story.bureau
    nobody = dict.fromkeys(
        (
            "rule_channels",
            "rule_reasons",
            "rule_priorities",
            "rule_languages",
            "rule_tags",
            "rule_vip",
        )
    )
    told: dict[str, Any] = dict.fromkeys(
        (
            "notices_channel",
            "notices_group",
            "notices_people",
            "notices_emails",
            "notices_quiet",
            "notices_wakes",
        )
    )
    story.commands("mia", "notices")
    story.presses("mia", "notices_add")
    story.sends("mia", **nobody, **told)
    story.presses("mia", "notices_preview")
    story.sends("mia", **nobody, **told | {"notices_people": [bureau.ben]})
    story.presses("mia", "notices_add")
    story.sends(
        "mia", **nobody | {"rule_priorities": ["urgent"]}, **told | {"notices_people": [bureau.mia]}
    )
    story.presses("mia", "notices_up", "1")
    story.presses("mia", "notices_change", "0")
    story.closes("mia")
    story.says("I want a person")
    bureau.detector.priority = Priority.URGENT
    bureau.detector.words = {"angry": Signal.SENTIMENT}
    story.says("I am angry", EVA)
    story.commands("mia", "notices")
    story.presses("mia", "notices_delete", "0")


def guidance_and_look_ups(story: Recording) -> None:
    story.says("where is my order 4711?")
    story.commands("mia", "settings guidance")
    story.presses("mia", "settings_ask", **{"rules.tone": "friendly"})
    story.sends("mia", **{"rules.tone": "friendly"})
    look_up = {
        "lookup_name": "order_status",
        "lookup_when": "The customer asks where an order is.",
        "lookup_url": "https://shop.example.com/orders/{number}",
        "lookup_parameters": "number: The number of the order",
        "lookup_shown": "Status: order.status",
    }
    story.commands("mia", "lookups")
    story.closes("mia")
    story.commands("mia", "settings")
    story.presses("mia", "lookups_show")
    story.presses("mia", "lookups_add")
    story.presses("mia", "lookups_preview", **look_up)
    story.sends("mia", **look_up | {"lookup_url": "http://shop.example.com/orders"})
    story.sends("mia", **look_up)
    story.presses("mia", "lookups_add")
    story.sends("mia", **look_up | {"lookup_name": "stock", "lookup_on": ["yes"]})
    story.presses("mia", "lookups_up", "1")
    story.presses("mia", "lookups_change", "0")
    story.sends("mia", lookup_when="The customer asks what is in stock.")
    story.presses("mia", "lookups_delete", "0")


def mcp_servers(story: Recording) -> None:
    server = {"mcp_name": "shop", "mcp_url": "https://mcp.shop.example.com/mcp"}
    story.commands("mia", "mcp")
    story.closes("mia")
    story.commands("mia", "settings")
    story.presses("mia", "mcp_show")
    story.presses("mia", "mcp_add")
    story.presses("mia", "mcp_preview", **server)
    story.sends("mia", **server | {"mcp_token": "other"})
    story.sends("mia", **server | {"mcp_token": "shop"})
    story.presses("mia", "mcp_add")
    story.sends("mia", **server | {"mcp_name": "stock"})
    story.presses("mia", "mcp_up", "1")
    story.presses("mia", "mcp_change", "0")
    story.sends("mia", mcp_private=["yes"])
    story.presses("mia", "mcp_more", "0")
    story.sends("mia", mcp_allowed=[str(STOCK_TOOL["name"])])
    story.presses("mia", "mcp_delete", "0")


CHAPTERS = {
    each.__name__: each
    for each in (
        translation,
        waiting_and_reminders,
        routing_and_offers,
        guidance_and_look_ups,
        mcp_servers,
        notices_to_the_team,
    )
}
