"""The settings catalogue in sections, as admins see them."""

from __future__ import annotations

from handoff_bot.domain.detection_rules import DEFAULT_PAUSE, LONGEST_PAUSE, Sensitivity
from handoff_bot.domain.settings import (
    Section,
    Setting,
    Widget,
    choice,
    group,
    holidays,
    languages,
    lines,
    number,
    people,
    slack_channels,
    time_zone,
    working_hours,
    yes_no,
)
from handoff_bot.domain.signals import Priority, Signal
from handoff_bot.domain.sla import DEFAULT as SLA_MINUTES
from handoff_bot.domain.sla import LONGEST_MINUTES, SlaTarget, name_of
from handoff_bot.domain.text import LANGUAGES
from handoff_bot.domain.thread_syntax import NOTE_PREFIXES
from handoff_bot.domain.waiting_policy import DEFAULT, WHAT, PolicyStep
from handoff_bot.services.delivery.sending import HOLD, LONGEST_HOLD
from handoff_bot.services.escalations import queue_positions, sla, waiting_policy
from handoff_bot.services.escalations.availability import BY_PRESENCE, CAPACITY
from handoff_bot.services.escalations.owners import DEFAULT_MINUTES, MINUTES
from handoff_bot.services.escalations.rating import ASKED
from handoff_bot.services.outbox import team_mention
from handoff_bot.services.outbox.view_models import TRANSCRIPT
from handoff_bot.services.settings import hours, roles
from handoff_bot.services.settings.preferences import ADMINS
from handoff_bot.services.translation import translating

SENSITIVITIES = {
    Sensitivity.OFF.value: "Off",
    Sensitivity.LOW.value: "Low: only when clear",
    Sensitivity.MEDIUM.value: "Medium",
    Sensitivity.HIGH.value: "High: escalate when in doubt",
}

_SIGNALS = {
    Signal.REQUEST: "The customer asks for an agent",
    Signal.SENTIMENT: "The customer is upset or confused",
    Signal.COMPLEXITY: "The request is complex or goes in circles",
    Signal.CONFIDENCE: "The AI is not sure",
}


def _policy_steps(held: tuple[str, ...]) -> list[str]:
    kept: list[str] = lines(40, 60)(held)
    for each in kept:
        PolicyStep.parse(each)
    return kept


def _trigger(signal: Signal) -> Setting:
    return Setting(
        key="rules.triggers",
        part=signal.value,
        label=_SIGNALS[signal],
        widget=Widget.CHOICE,
        default=Sensitivity.MEDIUM.value,
        parse=choice(SENSITIVITIES),
        choices=SENSITIVITIES,
    )


TRIGGERS = Section(
    "triggers",
    "Triggers",
    "Which signals lead to a handoff, and how easily; phrases, VIPs and languages.",
    (
        Setting(
            "rules.paused",
            "Pause the AI",
            Widget.YES_NO,
            False,
            yes_no,
            hint="The AI answers nothing, and agents get every conversation.",
        ),
        *map(_trigger, Signal),
        Setting(
            "rules.always",
            "Always hand off on these phrases",
            Widget.LINES,
            [],
            lines(),
            hint="One per line, e.g. cancel my contract",
        ),
        Setting(
            "rules.never",
            "Ignore these phrases",
            Widget.LINES,
            [],
            lines(),
            hint="One per line, e.g. personal trainer",
        ),
        Setting(
            "rules.vips",
            "VIPs",
            Widget.LINES,
            [],
            lines(2000),
            hint="Addresses, one per line, e.g. +15551234567. VIPs get higher priority.",
        ),
        Setting(
            "rules.languages",
            "Languages the AI may answer in",
            Widget.LINES,
            [],
            languages,
            hint="Two-letter codes, one per line, e.g. en. Leave empty for any language.",
        ),
        Setting(
            "rules.most_answers",
            "Hand off after this many AI replies",
            Widget.LINE,
            0,
            number(0, 100),
            hint="0 = never",
        ),
        Setting(
            "rules.pause_seconds",
            "Seconds to wait for further messages before answering",
            Widget.LINE,
            DEFAULT_PAUSE,
            number(0, LONGEST_PAUSE, whole=False),
        ),
        Setting(
            "rules.answer_short_codes",
            "Answer SMS from short codes",
            Widget.YES_NO,
            False,
            yes_no,
            hint="Short codes are usually automated. SMS from sender names can never be answered.",
        ),
    ),
)

TEAM = Section(
    "team",
    "Team",
    "Admins and agents, note prefixes, reply delay, surveys and reopening of tickets.",
    (
        Setting(
            ADMINS,
            "Admins, in addition to workspace admins",
            Widget.PEOPLE,
            [],
            people,
        ),
        Setting(
            roles.AGENTS_GROUP,
            "Agents' user group",
            Widget.GROUP,
            "",
            group,
            hint=(
                "Members of this group are agents in every Slack channel, in addition to each "
                "channel's members."
            ),
        ),
        Setting(
            roles.GUESTS_IN,
            "Slack channels where guests are agents",
            Widget.CHANNELS,
            [],
            slack_channels,
            hint="Guests in other Slack channels have no access.",
        ),
        Setting(
            "note.prefixes",
            "Note prefixes",
            Widget.LINES,
            list(NOTE_PREFIXES),
            lines(10, 20),
            hint="One per line. Messages starting with these are internal.",
        ),
        Setting(
            HOLD,
            "Seconds to hold replies before sending",
            Widget.LINE,
            0,
            number(0, LONGEST_HOLD),
            hint="0 to 10. You can still edit or delete during this time.",
        ),
        Setting(
            TRANSCRIPT,
            "Begin threads with the last messages",
            Widget.YES_NO,
            True,
            yes_no,
            hint="What the customer and the AI wrote before the escalation.",
        ),
        Setting(ASKED, "Send satisfaction survey", Widget.YES_NO, True, yes_no),
        Setting(
            "reopen_hours",
            "Reopen the ticket if the customer returns within (hours)",
            Widget.LINE,
            24,
            number(0, 720),
            hint="0 = always create a new ticket",
        ),
    ),
)

TRANSLATION = Section(
    "translation",
    "Translation",
    (
        "Agents and customers each write in their own language. Requires a language model "
        "(OPENAI_API_KEY)."
    ),
    (
        Setting(translating.ON, "Translate", Widget.YES_NO, False, yes_no),
        Setting(
            translating.LANGUAGE,
            "The team's language",
            Widget.CHOICE,
            translating.DEFAULT_LANGUAGE,
            choice(LANGUAGES),
            choices=LANGUAGES,
        ),
    ),
)

HOURS = Section(
    "hours",
    "Hours",
    (
        "When the team works. Outside business hours, customers are informed and the waiting "
        "policy pauses."
    ),
    (
        Setting(
            hours.LINES,
            "Business hours",
            Widget.LINES,
            [],
            working_hours,
            hint="One per line, e.g. mon-fri 9:00-17:00. Leave empty for 24/7.",
        ),
        Setting(
            hours.TIMEZONE,
            "Time zone",
            Widget.LINE,
            "",
            time_zone,
            hint="For example Europe/Berlin.",
        ),
        Setting(
            hours.HOLIDAYS,
            "Holidays",
            Widget.LINES,
            [],
            holidays,
            hint="Dates, one per line, e.g. 2026-12-25.",
        ),
    ),
)

WAITING = Section(
    "waiting",
    "Waiting",
    "What happens while a conversation waits in the queue, and when an assignee does not reply.",
    (
        Setting(
            waiting_policy.POLICY,
            "Waiting policy: minutes and step",
            Widget.LINES,
            list(DEFAULT),
            _policy_steps,
            hint="; ".join(f"{kind}: {what}" for kind, what in WHAT.items())
            + ". To replace the steps for one priority, write e.g. urgent: 1 mention.",
        ),
        Setting(waiting_policy.GROUP, "Group to mention", Widget.GROUP, "", group),
        Setting(
            team_mention.MINUTES,
            "Minutes between mentions of the team",
            Widget.LINE,
            team_mention.DEFAULT_MINUTES,
            number(0, team_mention.LONGEST_MINUTES),
            hint=(
                "0 = never. A new card mentions the group, or @here, in business hours, unless a "
                "notification rule fits."
            ),
        ),
        Setting(
            BY_PRESENCE,
            "Offer to members who are active in Slack",
            Widget.YES_NO,
            True,
            yes_no,
            hint=(
                "Members of the agents' user group, or of the Slack channel, who have not set "
                "their availability."
            ),
        ),
        Setting(
            queue_positions.MINUTES,
            "Minutes between queue position updates",
            Widget.LINE,
            0,
            number(0, queue_positions.LONGEST_MINUTES),
            hint="0 = no updates. Sent only when the customer has moved up.",
        ),
        Setting(
            MINUTES,
            "Minutes until the assignee is reminded to reply",
            Widget.LINE,
            DEFAULT_MINUTES,
            number(0, 1440),
            hint="0 = never",
        ),
        Setting(
            CAPACITY,
            "Conversations per agent",
            Widget.LINE,
            0,
            number(0, 99),
            hint="0 = no limit. Agents can set their own limit.",
        ),
    ),
)

_PROMISED = {SlaTarget.REPLY: "first reply", SlaTarget.SOLVE: "resolution"}


def _promise(priority: Priority, promise: SlaTarget) -> Setting:
    return Setting(
        key=sla.MINUTES,
        part=name_of(priority, promise),
        label=f"{priority.value.capitalize()}: minutes until {_PROMISED[promise]}",
        widget=Widget.LINE,
        default=SLA_MINUTES[priority][promise],
        parse=number(0, LONGEST_MINUTES),
        hint="0 = no SLA target" if priority is Priority.URGENT else "",
    )


SLA = Section(
    "sla",
    "SLA",
    "SLA targets by priority, in business hours. A warning is posted in the thread at 80%.",
    tuple(_promise(priority, promise) for priority in Priority for promise in SlaTarget),
)

SECTIONS: tuple[Section, ...] = (TRIGGERS, TEAM, TRANSLATION, HOURS, WAITING, SLA)
"""All sections, in display order."""
