"""Every state of every modal, by name: what the snapshots hold."""

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

from handoff_bot.domain.desk import Filter, HeldRow, Post, PostKind, Whose
from handoff_bot.domain.escalations import TicketStatus
from handoff_bot.domain.events import AuditPage, Did
from handoff_bot.domain.metrics import Choice, Period, Scope
from handoff_bot.domain.replies import CannedPage, CannedReply, MessageTemplate
from handoff_bot.domain.results import CheckResult
from handoff_bot.domain.signals import Priority, Signal
from handoff_bot.domain.texts import Moment
from handoff_bot.domain.tickets import TicketPage, TicketQuery
from handoff_bot.services.settings_catalog import SECTIONS
from handoff_bot.services.tickets.ticket_edits import OfferedTags
from handoff_bot.slack.cards.card import render_board
from handoff_bot.slack.cards.thread import sender_identity_of
from handoff_bot.slack.features import (
    admins,
    canned,
    customer_texts,
    doctor,
    escalation_modals,
    history,
    message_templates,
    settings,
    ticket,
    tickets,
)
from handoff_bot.slack.features.actions import conversation
from handoff_bot.slack.features.escalation_modals import About
from handoff_bot.slack.features.queue import render_queue
from handoff_bot.slack.features.rules import NOTICES, ROUTING, RuleWords, render_rules
from handoff_bot.slack.features.stats import render_stats
from handoff_bot.slack.kit import fields, text
from handoff_bot.slack.kit.text import SlackMessage
from tests.slack import builders, drawings
from tests.slack.builders import CARD_AT, NOW, TEXTS
from tests.slack.drawings import WORKSPACE

LATER = NOW + timedelta(hours=3)
USUAL = TEXTS["usual"]
LONG = re.compile(r"\d\d")
"""In the name of a state with many rows."""

Payload = dict[str, Any]


def message(drawing: SlackMessage) -> Payload:
    """What is sent to Slack, as plain data."""
    return {"text": drawing.text, "blocks": drawing.blocks}


def empty_modals() -> dict[str, Payload]:
    """As they look when nothing has been written; those of many rows say nothing new."""
    usual = drawings.views(USUAL)
    return {
        name: view
        for name, view in drawings.views("").items()
        if view != usual[name] and not LONG.search(name) and not name.startswith("text ")
    }


def modal_states() -> dict[str, Payload]:
    return (
        _queue_modals() | _ticket_modals() | _settings_modals() | _list_modals() | _other_modals()
    )


def _queue_modals() -> dict[str, Payload]:
    one, many = builders.queue_page(1), builders.queue_page(15)
    held = tuple(HeldRow("Eva", "webchat", f"I wait too, {n}", NOW) for n in range(2))
    snoozed = replace(many.rows[0], snoozed_until=LATER, vip=True, thread=None)
    nothing = replace(one, rows=(), found=0)
    every = Filter(Whose.CLAIMED, "sms", Priority.URGENT, Signal.SENTIMENT, timedelta(minutes=15))
    pages = {
        "queue first page": (replace(many, page=0), Filter(), WORKSPACE),
        "queue last page": (replace(many, page=2), Filter(), ""),
        "queue all filters": (many, every, WORKSPACE),
        "queue of an agent": (many, Filter(Whose.OPEN, owner="U0"), WORKSPACE),
        "queue of an idle agent": (nothing, Filter(Whose.OPEN, owner="U0IDLE"), WORKSPACE),
        "queue of mine": (nothing, Filter(Whose.MINE, owner="U0ANA"), WORKSPACE),
        "queue nothing claimed": (replace(nothing, waiting=0), Filter(Whose.CLAIMED), WORKSPACE),
        "queue nothing waits": (replace(nothing, waiting=0), Filter(), WORKSPACE),
        "queue held one": (replace(one, held=held[:1], held_in_all=1), Filter(), WORKSPACE),
        "queue held more": (replace(one, held=held, held_in_all=9), Filter(), WORKSPACE),
        "queue snoozed": (replace(one, rows=(snoozed,)), Filter(), WORKSPACE),
    }
    drawn = {name: render_queue(*each) for name, each in pages.items()}
    board = builders.board(2)
    for count in (1, 5):
        drawn[f"board with {count} held"] = message(render_board(replace(board, held=count), ""))
    return drawn


def _ticket_modals() -> dict[str, Payload]:
    query = TicketQuery(
        "refund #late",
        status=TicketStatus.SOLVED,
        channel="sms",
        priority=Priority.LOW,
        reason=Signal.CONFIDENCE,
        assignee="U0ANA",
    )
    row = builders.ticket_row()
    view = builders.ticket(3)
    bare = replace(
        view,
        row=replace(row, assignee=None, subject=""),
        outcome="",
        tags=(),
        page=0,
        older=False,
        reopened=0,
        thread=None,
        solved_at=None,
        reply_due_at=None,
        solve_due_at=None,
    )
    drawn = {
        "tickets all filters": tickets.render_tickets(
            TicketPage((row,), query, more=False), ("sms",)
        ),
        "tickets no filters": tickets.render_tickets(
            TicketPage((replace(row, assignee=None, subject=""),), TicketQuery(), more=True),
            ("sms",),
        ),
        "tickets may not export": tickets.render_tickets(builders.tickets(2), ("sms",)),
        "ticket bare": ticket.render_ticket(bare, ""),
        "ticket edit bare": ticket.render_edit(bare),
    }
    for status in TicketStatus:
        shown = replace(view, row=replace(row, status=status))
        drawn[f"ticket {status.value}"] = ticket.render_ticket(shown, WORKSPACE)
        drawn[f"ticket edit {status.value}"] = ticket.render_edit(shown)
    return drawn


def _settings_modals() -> dict[str, Payload]:
    drawn = {"settings without banner": settings.render_sections(SECTIONS)}
    for each in SECTIONS:
        values = {one.key: one.merged(None, _filled(one)) for one in each.settings}
        groups = each.with_groups({"S0TEAM": "Support", "S0NIGHT": "Night shift"})
        drawn[f"section filled {each.name}"] = settings.render_section(groups, values, 7, [])
    spoken = customer_texts.ShownText(
        Moment.STARTED, "de", "request", "Hallo {wait_minutes}", "Hallo 5"
    )
    silent = customer_texts.ShownText(
        Moment.GREETING, "en", "any", "", "", is_own=True, is_silent=True, seen=9
    )
    return drawn | {
        "text without banner": customer_texts.render_text(spoken),
        "text silent": customer_texts.render_text(silent),
        "text with a problem": customer_texts.render_text(
            replace(spoken, problem="{agent} is not known here.")
        ),
    }


def _filled(setting: Any) -> Any:
    """A value that differs from the usual one wherever its widget lets it."""
    kind = type(setting.default)
    filled: dict[Any, Any] = {
        bool: not setting.default,
        list: ["U0ANA", "C0QUEUE"],
        int: 7,
        float: 2.5,
    }
    if setting.choices:
        return list(setting.choices)[-1]
    return filled.get(kind, "S0TEAM")


def _list_modals() -> dict[str, Payload]:
    reply = CannedReply("refund", "de", "Das Geld kommt.", 7)
    page = CannedPage((reply, replace(reply, language="")), 0, 3, 45)
    template = MessageTemplate("News", "HX1", "Hello {{1}}, order {{2}}", {"1": "Name"})
    using = message_templates.Using(7, "C0QUEUE", "1.1")
    named = RuleWords("VIPs → in the queue channel", ("U0ANA", "S0TEAM"))
    drawn = {
        "replies of an agent": canned.render_list(page, canned.Search(), may_change=False),
        "replies last page": canned.render_list(
            replace(page, page=2), canned.Search("refund", "de", 2), may_change=True
        ),
        "reply without preview": canned.render_edit(reply, canned.Search()),
        "templates without banner": message_templates.render_list((template,)),
        "template with labels": message_templates.render_edit(template),
        "one of the templates": message_templates.render_use(
            (template,), using, template, {"1": "Dana"}
        ),
        "no templates": message_templates.render_use((), using),
        "admins only": admins.admins_only_modal("Settings", []),
        "admins only message": message(admins.render_admins_alone(["U0ANA", "<!here>"])),
    }
    for kind in (ROUTING, NOTICES):
        drawn[f"{kind.name} three rules"] = render_rules(kind, [named] * 3, 7)
        drawn[f"{kind.name} none"] = render_rules(kind, [], 0)
    return drawn


def _other_modals() -> dict[str, Payload]:
    about = About.of(7, CARD_AT)
    done = Did(7, NOW, "system", "unknown.kind_of", 0, "", "", "C0QUEUE")
    audit = AuditPage((done, replace(done, who="U0ANA", kind="channel.removed")), more=False)
    change = history.ShownChange("Hold", "0", "", "", NOW)
    day = Scope(Period.chosen(Choice.TODAY, NOW))
    drawn: dict[str, Payload] = {
        "resolve without question": escalation_modals.resolve(
            about, "", builders.NO_TAGS, asks=False
        ),
        "resolve with tags": escalation_modals.resolve(
            about, USUAL, OfferedTags(("delivery", "refund"), may_add=True), asks=True
        ),
        "resolve with listed tags only": escalation_modals.resolve(
            about, USUAL, OfferedTags(("delivery", "refund"), may_add=False), asks=True
        ),
        "assign with groups": escalation_modals.assign(about, {"S0TEAM": "Support"}),
        "history first page": history.render_history([change], 0, more=False),
        "audit first page": history.render_audit(audit, history.Looking()),
        "figures of everything": render_stats(builders.figures(3), day),
        "modal with a callback only": fields.modal("Title", [], callback_id="some"),
        "findings with a channel": doctor.render_checks(
            [
                CheckResult("In C0QUEUE", False, "type /invite @Handoff"),
                CheckResult("Model", True, "answers"),
            ]
        ),
        "sender names": {
            kind.value: sender_identity_of(Post(kind, USUAL, "Dana R.", "conversations"))
            for kind in PostKind
        },
        "settings in words": {
            one.name: [settings.in_words(one, each) for each in (one.default, _filled(one))]
            for section in SECTIONS
            for one in section.settings
        },
        "dates": {"moment": text.moment(NOW), "date": text.date(NOW, "{ago}")},
    }
    for number, pages in ((0, 1), (0, 3), (2, 3)):
        page = builders.page(3, number=number, pages=pages)
        drawn[f"conversation page {number} of {pages}"] = conversation(page, 7)
    for name, card in {
        "a waiting": builders.card(notes=("Came from an ad: Sale", "A form: 4711")),
        "a bare": builders.card(evidence="", summary="", tried="", scores={}),
        "a hostile": builders.card(
            evidence=builders.HOSTILE, summary=builders.HOSTILE, tried=builders.HOSTILE
        ),
    }.items():
        page = replace(builders.page(3, number=2, pages=3), card=card)
        drawn[f"conversation with {name} card"] = conversation(page, 7)
    return drawn
