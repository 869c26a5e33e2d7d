"""The sections of the settings: which preferences there are to set, grouped as admins look for them."""

from __future__ import annotations

from handoff_bot.domain.inside import NOTE_PREFIXES
from handoff_bot.domain.ladder import DEFAULT, WHAT, Rung
from handoff_bot.domain.languages import NAMES
from handoff_bot.domain.rules import DEFAULT_PAUSE, LONGEST_PAUSE, Sensitivity
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
from handoff_bot.domain.sla import LONGEST_MINUTES, Promise, name_of
from handoff_bot.services import hours, ladder, positions, roles, sla, translating
from handoff_bot.services.availability import CAPACITY
from handoff_bot.services.idle import DEFAULT_MINUTES, MINUTES
from handoff_bot.services.preferences import ADMINS
from handoff_bot.services.rating import ASKED
from handoff_bot.services.sending import HOLD, LONGEST_HOLD

SENSITIVITIES = {
    Sensitivity.OFF.value: "Off",
    Sensitivity.LOW.value: "Low: only when it is plain",
    Sensitivity.MEDIUM.value: "Medium",
    Sensitivity.HIGH.value: "High: rather once too often",
}

_SIGNALS = {
    Signal.REQUEST: "The customer asks for a person",
    Signal.SENTIMENT: "The customer is upset or confused",
    Signal.COMPLEXITY: "It is too complex, or goes in circles",
    Signal.CONFIDENCE: "The assistant is not sure",
}


def _rungs(held: tuple[str, ...]) -> list[str]:
    kept: list[str] = lines(40, 60)(held)
    for each in kept:
        Rung.parse(each)
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
    "Which signals call a person, and how easily; phrases, VIPs, languages.",
    (
        *map(_trigger, Signal),
        Setting(
            "rules.always",
            "Phrases that always call a person",
            Widget.LINES,
            [],
            lines(),
            hint="One a line, e.g. cancel my contract",
        ),
        Setting(
            "rules.never",
            "Phrases that never do",
            Widget.LINES,
            [],
            lines(),
            hint="One a line, e.g. personal trainer",
        ),
        Setting(
            "rules.vips",
            "VIPs",
            Widget.LINES,
            [],
            lines(2000),
            hint="Addresses, one a line, e.g. +15551234567. They get a person sooner.",
        ),
        Setting(
            "rules.languages",
            "Languages that the assistant may answer in",
            Widget.LINES,
            [],
            languages,
            hint="Two letters, one a line, e.g. en. None for any.",
        ),
        Setting(
            "rules.most_answers",
            "A person after so many answers",
            Widget.LINE,
            0,
            number(0, 100),
            hint="0 for no limit.",
        ),
        Setting(
            "rules.pause_seconds",
            "Seconds to wait for more before answering",
            Widget.LINE,
            DEFAULT_PAUSE,
            number(0, LONGEST_PAUSE, whole=False),
        ),
        Setting(
            "rules.answer_short_codes",
            "Answer texts from short codes",
            Widget.YES_NO,
            False,
            yes_no,
            hint="Usually machines. Texts from sender names can never be answered.",
        ),
    ),
)

TEAM = Section(
    "team",
    "Team",
    "Who may change settings, how notes are marked, how replies leave, when tickets reopen.",
    (
        Setting(
            ADMINS,
            "Who may change settings, besides the workspace's admins",
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
            hint="Its members are agents in every Slack channel, besides the members of each.",
        ),
        Setting(
            roles.GUESTS_IN,
            "Slack channels where guests are agents",
            Widget.CHANNELS,
            [],
            slack_channels,
            hint="Guests of other Slack channels cannot see or do anything.",
        ),
        Setting(
            "note.prefixes",
            "What a note begins with",
            Widget.LINES,
            list(NOTE_PREFIXES),
            lines(10, 20),
            hint="One a line. A reply that begins so never leaves.",
        ),
        Setting(
            HOLD,
            "Seconds that replies wait before they leave",
            Widget.LINE,
            0,
            number(0, LONGEST_HOLD),
            hint="0 to 10. In that time an edit or a deletion still acts.",
        ),
        Setting(ASKED, "Ask customers how it was", Widget.YES_NO, True, yes_no),
        Setting(
            "reopen_hours",
            "Hours in which a customer who comes back continues the same ticket",
            Widget.LINE,
            24,
            number(0, 720),
            hint="0 for a new ticket each time.",
        ),
    ),
)

TRANSLATION = Section(
    "translation",
    "Translation",
    "Agents write their language, customers theirs. Needs a key for a language model (OPENAI_API_KEY).",
    (
        Setting(translating.ON, "Translate", Widget.YES_NO, False, yes_no),
        Setting(
            translating.LANGUAGE,
            "The team's language",
            Widget.CHOICE,
            translating.DEFAULT_LANGUAGE,
            choice(NAMES),
            choices=NAMES,
        ),
    ),
)

HOURS = Section(
    "hours",
    "Hours",
    "When the team works; outside of it customers are told so, and the ladder waits.",
    (
        Setting(
            hours.LINES,
            "Working hours",
            Widget.LINES,
            [],
            working_hours,
            hint="One a line, like mon-fri 9:00-17:00. Nothing for any time.",
        ),
        Setting(
            hours.TIMEZONE, "Time zone", Widget.LINE, "", time_zone, hint="Like Europe/Berlin."
        ),
        Setting(
            hours.HOLIDAYS,
            "Holidays",
            Widget.LINES,
            [],
            holidays,
            hint="Dates, one a line, like 2026-12-25.",
        ),
    ),
)

WAITING = Section(
    "waiting",
    "Waiting",
    "What happens while nobody takes a conversation, and when an owner is silent.",
    (
        Setting(
            ladder.LADDER,
            "Ladder: minutes, and what happens then",
            Widget.LINES,
            list(DEFAULT),
            _rungs,
            hint="; ".join(f"{kind}: {what}" for kind, what in WHAT.items())
            + ". For one priority, in place of the same for all: urgent: 1 mention.",
        ),
        Setting(ladder.GROUP, "The group that is called", Widget.GROUP, "", group),
        Setting(
            positions.MINUTES,
            "Minutes between updates of a customer's place",
            Widget.LINE,
            0,
            number(0, positions.LONGEST_MINUTES),
            hint="0 for none. Said only when the place is better than the one before.",
        ),
        Setting(
            MINUTES,
            "Minutes until a silent owner is reminded",
            Widget.LINE,
            DEFAULT_MINUTES,
            number(0, 1440),
            hint="0 for never.",
        ),
        Setting(
            CAPACITY,
            "Conversations an agent has at once",
            Widget.LINE,
            0,
            number(0, 99),
            hint="0 for any number. Agents may set their own.",
        ),
    ),
)

_PROMISED = {Promise.REPLY: "the first reply", Promise.SOLVE: "it is solved"}


def _promise(priority: Priority, promise: Promise) -> Setting:
    return Setting(
        key=sla.MINUTES,
        part=name_of(priority, promise),
        label=f"{priority.value.capitalize()}: minutes until {_PROMISED[promise]}",
        widget=Widget.LINE,
        default=SLA_MINUTES[priority][promise],
        parse=number(0, LONGEST_MINUTES),
        hint="0 for no promise." if priority is Priority.URGENT else "",
    )


SLA = Section(
    "sla",
    "SLA",
    "What customers are promised, by priority, in working hours. Threads are reminded at 80% of it.",
    tuple(_promise(priority, promise) for priority in Priority for promise in Promise),
)

SECTIONS: tuple[Section, ...] = (TRIGGERS, TEAM, TRANSLATION, HOURS, WAITING, SLA)
"""All that are plain lists of settings, in the order in which they are shown."""
