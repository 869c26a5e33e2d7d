"""Thread commands, because slash commands do not work in threads: !take, !assign, !snooze, !resolve, …"""

from __future__ import annotations

import re

from handoff_bot.domain.desk import AgentRef
from handoff_bot.domain.escalations import Resolution, Step, tags_of
from handoff_bot.domain.results import ActionResult
from handoff_bot.domain.roles import Action
from handoff_bot.slack.cards.thread import render_words
from handoff_bot.slack.feature import (
    Feature,
    SlashCommand,
    Subject,
    ThreadCommand,
    Tools,
    guarded,
    number,
)
from handoff_bot.slack.features.escalation_modals import NOT_A_TIME
from handoff_bot.slack.features.queue import NO_SUCH_TICKET
from handoff_bot.slack.kit.text import SlackMessage

TO_WHOM = "Add an assignee: @agent, @group or queue, e.g. !assign @agent. You can add a note."
WHICH = "Add a ticket number and an assignee: /handoff assign 12 @agent"
NO_SUCH_REPLY = "No canned reply has this name. /handoff canned lists them."

_QUEUE = re.compile(r"queue\b", re.IGNORECASE)
_MENTION = re.compile(
    r"<(?:@([UW][A-Z0-9]+)|!subteam\^(S[A-Z0-9]+))(?:\|[^>]*)?>\s*(.*)", re.DOTALL
)


def take(tools: Tools, said: ThreadCommand) -> ActionResult:
    """`!take`."""
    return tools.core.escalations.take(Step.CLAIM, said.escalation_id, said.author)


def assign(tools: Tools, said: ThreadCommand) -> ActionResult:
    """`!assign @who note`, `!assign queue note`."""
    return _give(tools, said.escalation_id, said.author, said.words)


def assign_by_number(tools: Tools, asked: SlashCommand) -> SlackMessage:
    """`/handoff assign 12 @who note`."""
    which, *words = asked.words.split(maxsplit=1) or [""]
    wanted = number(which.removeprefix("#"))
    if wanted is None:
        return render_words(WHICH)
    ticket = tools.core.tickets.view(wanted)
    if ticket is None:
        return render_words(NO_SUCH_TICKET.format(number=wanted))
    giver = tools.desk.agent(asked.desk_id)
    outcome = _give(tools, ticket.escalation_id, giver, *words)
    return render_words(outcome.text or f"Ticket #{ticket.row.number} is reassigned.")


def _give(tools: Tools, escalation_id: int, giver: AgentRef, said: str = "") -> ActionResult:
    """Assigns to the first word: an agent, a group or the queue; the rest is a note."""
    core = tools.core.escalations
    if _QUEUE.match(said):
        return core.hand_back(escalation_id, giver, note=said[5:].strip())
    found = _MENTION.fullmatch(said)
    if found is None:
        return ActionResult(False, TO_WHOM)
    person, group, words = found[1], found[2], found[3].strip()
    if group:
        return core.hand_back(escalation_id, giver, group, words)
    if problem := tools.why_not_to(person, escalation_id):
        return ActionResult(False, problem)
    return core.reassign(escalation_id, giver, tools.desk.agent(person), words)


def snooze(tools: Tools, said: ThreadCommand) -> ActionResult:
    """`!snooze 2h`."""
    at = tools.moment_meant(said.words, said.author.desk_id)
    if at is None:
        return ActionResult(False, NOT_A_TIME)
    return tools.core.snoozing.snooze(said.escalation_id, said.author, at)


def resolve(tools: Tools, said: ThreadCommand) -> ActionResult:
    """`!resolve tag tag`."""
    tags = tags_of(said.words)
    if refused := tools.core.tags.refusal(tags):
        return ActionResult(False, refused)
    ending = Resolution(tags=tags)
    return tools.core.escalations.take(Step.RESOLVE, said.escalation_id, said.author, ending)


def give_back(tools: Tools, said: ThreadCommand) -> ActionResult:
    """`!return NOTE`."""
    ending = Resolution(memory=said.words)
    return tools.core.escalations.take(Step.RETURN, said.escalation_id, said.author, ending)


def release(tools: Tools, said: ThreadCommand) -> ActionResult:
    """`!release`."""
    return tools.core.escalations.take(Step.RELEASE, said.escalation_id, said.author)


def reply(tools: Tools, said: ThreadCommand) -> ActionResult:
    """`!reply NAME`: sends a canned reply, once for each message."""
    text = tools.core.canned.say(said.words, said.escalation_id, said.author)
    if text is None:
        return ActionResult(False, NO_SUCH_REPLY)
    return tools.core.composed.send(said.escalation_id, said.author, text, f"reply:{said.ts}")


def help_with_commands(_tools: Tools, _said: ThreadCommand) -> ActionResult:
    """`!help`."""
    return ActionResult(True, "\n".join(HELP))


HELP = (
    "!take: take over the conversation",
    "!assign @agent, !assign @group, !assign queue: reassign it, with an optional note",
    "!snooze 2h: snooze it (45m, 1d, 14:30, tomorrow)",
    "!resolve: resolve it, with optional tags",
    "!return: return it to the AI, with an optional note for the AI",
    "!release: release it to the queue",
    "!reply name: send a canned reply, and take over if the conversation is unassigned",
    "!note: add an internal note",
)


FEATURE = Feature(
    thread_commands={
        "take": guarded(Action.CLAIM, take, Subject.THREAD),
        "assign": guarded(Action.ASSIGN, assign, Subject.THREAD),
        "snooze": guarded(Action.SNOOZE, snooze, Subject.THREAD),
        "resolve": guarded(Action.RESOLVE, resolve, Subject.THREAD),
        "return": guarded(Action.RETURN, give_back, Subject.THREAD),
        "release": guarded(Action.RELEASE, release, Subject.THREAD),
        "reply": guarded(Action.REPLY, reply, Subject.THREAD),
        "help": guarded(Action.SEE, help_with_commands, Subject.THREAD),
    },
    commands={"assign": guarded(Action.ASSIGN, assign_by_number, Subject.TICKET)},
    help=(
        (
            "/handoff assign 12 @agent: reassign a ticket's conversation to an agent, a "
            "group or the queue"
        ),
        "In a thread: " + ", ".join(line.partition(":")[0] for line in HELP),
    ),
)
