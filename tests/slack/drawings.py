"""One of everything that is drawn, full of any text; and what is shown on it."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from handoff_bot.domain import report
from handoff_bot.domain.articles import Article, ArticleFile
from handoff_bot.domain.desk import Button, EphemeralMessage, Filter, Post, PostKind, PostRow
from handoff_bot.domain.escalations import LONGEST_TAG, Status
from handoff_bot.domain.events import AuditPage, Did
from handoff_bot.domain.hours import Availability
from handoff_bot.domain.look_ups import LookUp, Parameter, Shown
from handoff_bot.domain.mcp_servers import Listed, McpServer, ServerTool
from handoff_bot.domain.metrics import Choice, Period, Scope
from handoff_bot.domain.replies import CannedPage, CannedReply, MessageTemplate, Previewed, Tone
from handoff_bot.domain.results import CheckResult
from handoff_bot.domain.rules import (
    Audience,
    Mode,
    NotificationRule,
    Retained,
    RetentionRule,
    Route,
    RoutingRule,
    RuleConditions,
)
from handoff_bot.domain.settings import Section
from handoff_bot.domain.signals import Priority, Signal
from handoff_bot.domain.texts import Moment
from handoff_bot.domain.tool_definitions import bounded_schema
from handoff_bot.services.outbox.slack_job import MOST_CHARACTERS, MOST_POSTS
from handoff_bot.services.privacy.forgetting import Preview
from handoff_bot.services.privacy.retention import RetentionPreview
from handoff_bot.services.settings.hours import COUNTRY, with_holidays
from handoff_bot.services.settings.rule_lists import MOST
from handoff_bot.services.settings_catalog import GUIDANCE, HOURS, SECTIONS
from handoff_bot.services.tickets.ticket_edits import KnownTag, OfferedTags
from handoff_bot.slack.cards.card import render_board, render_card
from handoff_bot.slack.cards.thread import (
    render_ephemeral,
    render_post,
    render_posts,
    render_words,
    settled,
)
from handoff_bot.slack.features import (
    admins,
    availability,
    canned,
    customer_texts,
    doctor,
    draft,
    escalation_modals,
    history,
    knowledge,
    look_ups,
    mcp_servers,
    merging,
    message_templates,
    notifications,
    privacy,
    routing,
    settings,
    tags,
    ticket,
    tickets,
)
from handoff_bot.slack.features.actions import conversation, gone, loading
from handoff_bot.slack.features.draft import Drafting
from handoff_bot.slack.features.escalation_modals import About
from handoff_bot.slack.features.guidance import render_previews
from handoff_bot.slack.features.home import render_home, render_presence
from handoff_bot.slack.features.look_ups import look_up_words
from handoff_bot.slack.features.notifications import EMAILS, NO_MAIL, notice_words
from handoff_bot.slack.features.queue import render_queue
from handoff_bot.slack.features.routing import routing_words
from handoff_bot.slack.features.rules import (
    CHANNELS,
    NOTICES,
    ROUTING,
    Opened,
    render_rule,
    render_rules,
)
from handoff_bot.slack.features.stats import Choices, render_stats
from handoff_bot.slack.kit.text import SlackMessage, one_line, spelled
from tests.slack import builders, linter
from tests.slack.builders import CARD_AT

MONTH = Period.chosen(Choice.DAYS_30, builders.NOW)
WORKSPACE = "https://acme.slack.com/"

CARDS = {
    "queued": builders.card,
    "claimed": builders.claimed,
    "resolved": lambda **changes: builders.closed(Status.RESOLVED, **changes),
    "returned": lambda **changes: builders.closed(Status.RETURNED, **changes),
    "dismissed": lambda **changes: builders.closed(Status.DISMISSED, **changes),
}


def with_text(make, text: str):
    """A card full of one text."""
    return make(
        contact=text,
        address=text,
        evidence=text,
        summary=text,
        tried=text,
        language=text[:10],
        recent=tuple(builders.said(text, name=text) for _ in range(50)),
    )


def messages(text: str) -> dict[str, SlackMessage]:
    """One of each message there is, full of this text."""
    drawn = {name: render_card(with_text(make, text)) for name, make in CARDS.items()}
    for kind in PostKind:
        post = Post(kind, text, text, "whatsapp", Button.RETRY, "1")
        drawn[f"post {kind}"] = render_post(post)
    for kind in (PostKind.CONTACT, PostKind.OURS, PostKind.NOTICE):
        share = text[: MOST_CHARACTERS // MOST_POSTS]
        posts = [Post(kind, share, text, "whatsapp")] * MOST_POSTS
        drawn[f"as many {kind} as go together"] = render_posts(posts)
    drawn["ephemeral"] = render_ephemeral(
        EphemeralMessage("U1", CARD_AT, text, (Button.KEEP_AS_NOTE,), "1")
    )
    again = (Button.TRANSLATE_AGAIN, Button.SEND_AS_WRITTEN, Button.KEEP_AS_NOTE)
    drawn["ephemeral of no translation"] = render_ephemeral(
        EphemeralMessage("U1", CARD_AT, text, again, "1")
    )
    translated = Post(PostKind.CONTACT, text, f"{text} · translated from Spanish", "sms")
    drawn["post translated"] = render_post(translated)
    drawn["transcript"] = render_post(Post(PostKind.TRANSCRIPT, "", said=((text, text),) * 50))
    drawn["offer that lapsed"] = render_post(
        Post(PostKind.TOLD, text, about=CARD_AT).ended("Lapsed at {time}.", builders.NOW), WORKSPACE
    )
    for rows in (1, 500):
        numbers = builders.figures(rows, text)
        post = Post(PostKind.TOLD, text, table=report.breakdown(numbers), feedback="7")
        post = replace(post, charts=tuple(report.charts(numbers, MONTH)))
        drawn[f"report of {rows}"] = render_post(post)
        drawn[f"agents of {rows}"] = render_post(replace(post, table=report.of_agents(numbers)))
    asked = (PostRow(text, Button.WRITE_ARTICLE, "1"),) * 10
    drawn["questions"] = render_post(Post(PostKind.TOLD, text, rows=asked))
    drawn["plain text"] = render_words(text)
    drawn["buttons done"] = settled(drawn["post failure"].blocks, text)
    for rows in (0, 1, 15, 50, 500):
        drawn[f"board of {rows}"] = render_board(builders.board(rows, text), WORKSPACE)
    return drawn


def views(text: str) -> dict[str, dict[str, Any]]:
    """One of each window there is, full of this text."""
    drawn = {"loading": loading(), "gone": gone(text)}
    about = About.of(7, CARD_AT)
    drafting = Drafting(
        7,
        CARD_AT.slack_channel,
        CARD_AT.ts,
        round=3,
        claims=True,
        sources=one_line(text, 300),
        language="ar",
        tones=tuple(Tone),
        canned=True,
        drafted=True,
    )
    drawn |= {
        "assign": escalation_modals.assign(about, {f"S{n}": text or "x" for n in range(200)}),
        "assign without groups": escalation_modals.assign(about, {}),
        "snooze": escalation_modals.snooze(about),
        "resolve": escalation_modals.resolve(about, text, builders.NO_TAGS, asks=True),
        "resolve with 500 tags": escalation_modals.resolve(
            about,
            text,
            OfferedTags(tuple(f"{n}{text}"[:LONGEST_TAG] for n in range(500)), may_add=True),
            asks=True,
        ),
        "return": escalation_modals.RETURN.render(about),
        "not needed": escalation_modals.DISMISS.render(about),
        "note": escalation_modals.ADD_NOTE.render(about),
        "draft": draft.render_draft(drafting, text),
        "draft not rewritten": draft.render_draft(drafting, text, banner=draft.NOT_REWRITTEN),
        "no draft": draft.render_draft(Drafting(7, CARD_AT.slack_channel, CARD_AT.ts), ""),
        "no draft but canned": draft.render_draft(
            drafting, "", canned=tuple(f"{n}{text or 'x'}"[:80] for n in range(100))
        ),
    }
    drawn |= settings_views(text)
    drawn |= canned_views(text)
    drawn |= tag_views(text)
    drawn |= knowledge_views(text)
    drawn |= template_views(text)
    drawn |= privacy_views(text)
    drawn |= merging_views(text)
    drawn["admins alone"] = admins.admins_only_modal("Settings", [text, "UBEN"] * 20)
    for rows in (0, 1, 20):
        found = builders.tickets(rows, text)
        drawn[f"{rows} tickets"] = tickets.render_tickets(
            found, ("sms", text[:20] or "x"), may_export=True, banner=text
        )
        single = builders.ticket(rows, text)
        drawn[f"ticket of {rows}"] = ticket.render_ticket(single, WORKSPACE, builders.EARLIER)
        drawn[f"edit of {rows}"] = ticket.render_edit(single)
    for rows in (0, 1, 15, 500):
        shown = builders.queue_page(rows, text)
        drawn[f"queue of {rows}"] = render_queue(shown, Filter(channel=text[:9]), WORKSPACE, text)
        away = Availability(True, rows > 0, None, True, rows, 3, (text,) * rows, text[:50])
        presence = render_presence(away)
        drawn[f"home of {rows}"] = render_home(builders.home(rows, text), WORKSPACE, text, presence)
        drawn[f"arrangement of {rows}"] = availability.FORM.render(None, away)
    drawn |= rule_views(text)
    for rows in (0, 1, 50, 500):
        scope = Scope(Period.chosen(Choice.WEEK, builders.NOW), text[:20], rows)
        offered = Choices((text[:70],) * rows, dict.fromkeys(range(1, rows), text))
        drawn[f"figures of {rows}"] = render_stats(
            builders.figures(rows, text), scope, offered, text
        )
    for lines in (0, 1, 15, 50, 500):
        drawn[f"{lines} lines"] = conversation(
            builders.page(lines, text), 7, builders.EARLIER, WORKSPACE
        )
    page = replace(builders.page(1, text), card=builders.card())
    drawn["newest lines"] = conversation(page, 7, builders.EARLIER, WORKSPACE)
    return drawn


def offered(section: Section, values: Mapping[str, Any] | None = None) -> Section:
    """The section as it is opened: business hours offer the holidays of a country."""
    if section.name != HOURS.name:
        return section
    return with_holidays(section, values or {}, builders.NOW.date())


def settings_views(text: str) -> dict[str, dict[str, Any]]:
    """The windows of the settings, and those that look back."""
    difference = settings.Difference(text, text, text)
    wrong = settings.Difference(text, problem=text)
    drawn = {"sections": settings.render_sections(SECTIONS, text)}
    sections = {each.name: offered(each) for each in SECTIONS}
    for country in ("US", "CH", "SG"):
        sections[f"hours in {country}"] = offered(HOURS, {COUNTRY: country})
    for name, each in sections.items():
        drawn[f"section {name}"] = settings.render_section(each, {})
        lines = [difference, wrong] * len(each.settings)
        drawn[f"preview {name}"] = settings.render_section(each, {}, 1, lines[:12])
    for moment in Moment:
        shown_text = customer_texts.ShownText(
            moment, "en", "any", text, text, text[:200], is_own=True
        )
        drawn[f"text {moment}"] = customer_texts.render_text(shown_text, text)
    done = Did(7, builders.NOW, "U0BEN", "escalation.reassign", 3, "U0ANN", text, text)
    for rows in (0, 1, 30):
        change = history.ShownChange(text, text, text, text, builders.NOW)
        drawn[f"history of {rows}"] = history.render_history([change] * rows, 1, more=True)
        page = AuditPage((done,) * min(rows, 20), more=bool(rows))
        looking = history.Looking("U0BEN")
        drawn[f"audit of {rows}"] = history.render_audit(page, looking, older=True)
    for rows in (0, 1, 50):
        found = [CheckResult(text or "x", ok, text) for ok in (True, False)] * rows
        drawn[f"findings {rows}"] = doctor.render_checks(found)
    return drawn | {"looking": doctor.looking()}


SCHEMA = {
    "properties": {f"of_{n}": {"type": "string", "description": "x" * 150} for n in range(9)},
    "required": ["of_1"],
}


def rule_views(text: str) -> dict[str, dict[str, Any]]:
    """The windows of rules."""
    ids, word = ("U0BEN", "U0MIA") * 10, text[:20] or "x"
    when = RuleConditions(
        (word,), tuple(Signal), tuple(Priority), ("de", word), (text[:40],) * 10, vip=True
    )
    route = RoutingRule(when, Route("C0ANN", "S0ANN", ids, Mode.LEAST_BUSY))
    notice = NotificationRule(
        when, Audience("C0ANN", "S0ANN", ids, (text[:250],) * 20, "22:00-7:00", True)
    )
    groups = {f"S{n}": word for n in range(200)}
    kinds = {"sms": "SMS", word: spelled(word)}
    routed = routing.FORM.having(CHANNELS.offering(kinds), routing.GROUP.offering(groups))
    noticed = notifications.FORM.having(
        CHANNELS.offering({"sms": "SMS"}), replace(EMAILS, hint=NO_MAIL)
    )
    look_up = LookUp(
        "x" * 40,
        text[:500],
        f"https://shop.example.com/{'x' * 900}/{{number}}",
        tuple(Parameter("x" * 40, text[:100]) for _ in range(5)),
        tuple(Shown(text[:40], "x" * 60) for _ in range(12)),
        "shop",
        is_private=True,
        is_on=True,
    )
    tool = ServerTool(
        word * 3,
        text[:300],
        json.dumps(bounded_schema(SCHEMA)),
        "d" * 64,
        only_reads=True,
        has_changed=True,
    )
    unusable = replace(tool, schema="", digest="e" * 64)
    server = McpServer(
        "x" * 40,
        f"https://mcp.example.com/{'x' * 900}",
        "shop",
        is_private=True,
        tools=(
            replace(tool, is_on=True),
            *(replace(tool, digest=f"{n}", only_reads=bool(n)) for n in range(18)),
            unusable,
        ),
    )
    listed = Listed("ok", server.tools, has_more=True)
    forms = {"routing": (ROUTING, routed, route), "notices": (NOTICES, noticed, notice)}
    words = look_up_words(look_up)
    drawn = {
        "look-up form": render_rule(look_ups.FORM, look_up, Opened(3, 7), [text], "look-up"),
        "look-ups": render_rules(look_ups.LOOK_UPS, [words] * MOST, 7, text),
        "server form": render_rule(mcp_servers.FORM, server, Opened(3, 7), [text], "server"),
        "servers": render_rules(
            mcp_servers.SERVERS, [mcp_servers.server_words(server)] * MOST, 7, text
        ),
        "tools of a server": mcp_servers.render_tools(server, listed, Opened(3, 7)),
    }
    previews = [Previewed(text, text, text, by) for by in ("local", "openai")] * 5
    for name, found in {"none": None, "nothing": [], "ten": previews}.items():
        more = render_previews(found)
        drawn[f"guidance {name}"] = settings.render_section(GUIDANCE, {}, 7, more=more)
    for name, (kind, form, rule) in forms.items():
        drawn[f"{name} form"] = render_rule(form, rule, Opened(3, 7), [text] * 2)
        for rows in (0, 1, MOST):
            lines = [routing_words(route), notice_words(notice)] * rows
            drawn[f"{name} of {rows}"] = render_rules(kind, lines[:rows], 7, text)
    return drawn


def tag_views(text: str) -> dict[str, dict[str, Any]]:
    """The modals of tags."""
    many = [KnownTag(f"{text[:20]}{number}", number) for number in range(90)]
    return {
        "tags": tags.render_tags(many, 1, text),
        "no tags": tags.render_tags([]),
        "new tag": tags.render_edit(KnownTag("")),
        "tag": tags.render_edit(KnownTag(text[:40] or "refund", 12)),
    }


def canned_views(text: str) -> dict[str, dict[str, Any]]:
    """The windows of canned replies."""
    search = canned.Search(text[:100], "de", 1)
    reply = CannedReply(text[:40], "", text, 7)
    drawn = {
        "reply": canned.render_edit(reply, search, text),
        "new reply": canned.render_edit(CannedReply("", "", ""), search, problem=text),
        "deleted reply": canned.render_deleted(text),
    }
    for rows in (0, 1, 15):
        page = CannedPage((reply,) * rows, 1, 3, rows)
        drawn[f"{rows} replies"] = canned.render_list(page, search, may_change=True, banner=text)
    return drawn


def knowledge_views(text: str) -> dict[str, dict[str, Any]]:
    """The windows of articles and drafts."""
    article = Article(text[:150], text, "de", (text,))
    drawn = {
        "article": knowledge.render_edit(article, knowledge.Editing("shop/returns.md", "1")),
        "new article": knowledge.render_edit(Article("", ""), knowledge.Editing()),
        "draft article": knowledge.render_edit(article, knowledge.Editing(draft=7)),
        "no article": knowledge.render_refused(text),
    }
    for rows in (0, 1, 10):
        name = f"{text}.md"
        files = (ArticleFile(name, article), ArticleFile(name, article, locked=text))
        found = knowledge.Found((files * 5)[:rows], 1, 3, rows)
        search = knowledge.Search(text[:100], 1)
        drawn[f"{rows} articles"] = knowledge.render_list(found, search, text)
    return drawn


def privacy_views(text: str) -> dict[str, dict[str, Any]]:
    """The windows of forgetting and retention."""
    known = Preview(7, text, (text,) * 3, {"message": 12, "note": 1}, (text,))
    rule = RetentionRule("", Retained.MESSAGES, 365)
    return {
        "forget": privacy.render_forget([known, Preview(8, state=text)]),
        "forgotten": privacy.render_done(privacy.FORGET_TITLE, text),
        "no retention": privacy.render_rules([]),
        "retention": privacy.render_rules([rule.line()]),
        "retention preview": privacy.render_confirmation([RetentionPreview(rule, 12)]),
        "retention off": privacy.render_confirmation([]),
    }


def merging_views(text: str) -> dict[str, dict[str, Any]]:
    """The windows in which customers are merged."""
    about = merging.About(7, 12)
    return {
        "merge search": merging.render_search(7),
        "merge choice": merging.render_choice(about, builders.tickets(20, text).rows),
        "merge confirmation": merging.render_confirmation(about, f"#12 {text}\n" * 500),
    }


def template_views(text: str) -> dict[str, dict[str, Any]]:
    """The windows of approved templates."""
    full = MessageTemplate(text[:60] or "x", "HX1", f"{text}{{{{1}}}}"[-1024:], {"1": text})
    using = message_templates.Using(1, "C1", "1.1")
    drawn = {
        "template": message_templates.render_edit(full),
        "new template": message_templates.render_edit(MessageTemplate("", "", "")),
        "deleted template": message_templates.render_deleted(text),
    }
    for rows in (0, 1, 50, 500):
        each = tuple(MessageTemplate(f"{n} {text}"[:60], "HX1", full.text, {}) for n in range(rows))
        drawn[f"{rows} templates"] = message_templates.render_list(each, text)
        drawn[f"one of {rows} templates"] = message_templates.render_use(each, using)
    return drawn


def buttons_of(drawing: SlackMessage) -> list[str]:
    return [button["action_id"] for button in linter.elements(drawing.blocks, "button")]


def words_of(drawing: SlackMessage) -> str:
    return "\n".join(linter.texts(drawing.blocks))
