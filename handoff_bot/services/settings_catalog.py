"""Live settings: what admins change in Slack, and what `tune` has learnt.

`LiveSettings` has a field for each setting. Its type and default say how a stored value is read,
its `Setting` how admins see it. Readers, modals and the table in docs/admins.md take it from here.
"""

from __future__ import annotations

import logging
from typing import Annotated, Any, cast

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    ValidationError,
)

from handoff_bot.domain.detection import DEFAULT_PAUSE, LONGEST_PAUSE, Sensitivity
from handoff_bot.domain.hours import DAY_NAMES
from handoff_bot.domain.settings import (
    DayHours,
    Parse,
    PolicySteps,
    Problems,
    Section,
    Setting,
    Widget,
    any_day_open,
    choice,
    group,
    holidays,
    line,
    lines,
    no_problems,
    number,
    people,
    policy_steps,
    several,
    slack_channels,
    time_zone,
    times_of_day,
    yes_no,
)
from handoff_bot.domain.signals import Priority, Signal
from handoff_bot.domain.text import LANGUAGES
from handoff_bot.domain.thread_syntax import NOTE_PREFIXES
from handoff_bot.domain.tickets import (
    LONGEST_SLA_MINUTES,
    SLA_LABELS,
    SLA_MINUTES,
    SlaTarget,
    sla_name,
)
from handoff_bot.domain.waiting_policy import DEFAULT, MOST_STEPS
from handoff_bot.storage import log
from handoff_bot.storage.transaction import Transaction

logger = logging.getLogger(__name__)

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

Lines = tuple[str, ...]
_LONGEST_LINE = 200
"""Characters of a line in a modal."""


def _language(code: str) -> str:
    if code not in LANGUAGES:
        raise ValueError("not a language")
    return code


# -- fields: the default, the key that a value is stored by, and how admins see it


def _field(default: Any, key: str, *settings: Setting, **limits: Any) -> Any:
    field = Field(default, alias=key, **limits)
    field.metadata.extend(settings)
    return field


def _of(
    default: Any,
    key: str,
    label: str,
    widget: Widget,
    parse: Parse,
    hint: str = "",
    **limits: Any,
) -> Any:
    shown = list(default) if isinstance(default, tuple) else default
    return _field(default, key, Setting(key, label, widget, shown, parse, hint), **limits)


def _switch(default: bool, key: str, label: str, hint: str = "") -> Any:
    return _of(default, key, label, Widget.YES_NO, yes_no, hint)


def _whole(default: int, most: int, key: str, label: str, hint: str = "") -> Any:
    return _of(default, key, label, Widget.LINE, number(0, most), hint, ge=0, le=most)


def _lines(default: Lines, key: str, label: str, hint: str, parse: Parse | None = None) -> Any:
    return _of(default, key, label, Widget.LINES, parse or lines(), hint)


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


def _day(day: str) -> Setting:
    return DayHours(
        key="hours.lines",
        part=day,
        label=DAY_NAMES[day],
        widget=Widget.LINE,
        default="",
        parse=times_of_day,
        hint=(
            "E.g. 9-17, 9am-5pm, 9-12, 13-17, 24 h or closed. Leave all days empty for 24/7."
            if day == "mon"
            else ""
        ),
    )


def _target(priority: Priority, target: SlaTarget) -> Setting:
    return Setting(
        key="sla",
        part=sla_name(priority, target),
        label=f"{priority.value.capitalize()}: minutes until {SLA_LABELS[target]}",
        widget=Widget.LINE,
        default=SLA_MINUTES[priority][target],
        parse=number(0, LONGEST_SLA_MINUTES),
        hint="0 = no SLA target" if priority is Priority.URGENT else "",
    )


# -- the settings, section by section


class _Section(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Triggers(_Section):
    paused: StrictBool = _switch(
        False,
        "rules.paused",
        "Pause the AI",
        "The AI answers nothing, and agents get every conversation.",
    )
    triggers: dict[Signal, Sensitivity] = _field({}, "rules.triggers", *map(_trigger, Signal))
    always: Lines = _lines(
        (),
        "rules.always",
        "Always hand off on these phrases",
        "One per line, e.g. cancel my contract",
    )
    never: Lines = _lines(
        (), "rules.never", "Ignore these phrases", "One per line, e.g. personal trainer"
    )
    vips: Lines = _lines(
        (),
        "rules.vips",
        "VIPs",
        "Addresses, one per line, e.g. +15551234567. VIPs get higher priority.",
        lines(2000),
    )
    languages: Lines = _field(
        (),
        "rules.languages",
        Setting(
            "rules.languages",
            "Languages the AI may answer in",
            Widget.SEVERAL,
            [],
            several(),
            hint=(
                "Conversations in other languages go to agents. Automatic messages that are "
                "missing in a language are sent in English. To add them, open Customer texts."
            ),
            choices=LANGUAGES,
            placeholder="Any language",
        ),
    )
    most_answers: StrictInt = _whole(
        0, 100, "rules.most_answers", "Hand off after this many AI replies", "0 = never"
    )
    pause_seconds: float = _of(
        DEFAULT_PAUSE,
        "rules.pause_seconds",
        "Seconds to wait for further messages before answering",
        Widget.LINE,
        number(0, LONGEST_PAUSE, whole=False),
        ge=0,
        le=LONGEST_PAUSE,
    )
    answer_short_codes: StrictBool = _switch(
        False,
        "rules.answer_short_codes",
        "Answer SMS from short codes",
        "Short codes are usually automated. SMS from sender names can never be answered.",
    )
    look_ups: tuple[Any, ...] = _field((), "rules.look_ups")
    mcp_servers: tuple[Any, ...] = _field((), "rules.mcp_servers")
    shifts: dict[Signal, float] = _field({}, "rules.shifts")
    last_layer: dict[Signal, tuple[float, ...]] = _field({}, "rules.last_layer")


class Guidance(_Section):
    company: str = _of(
        "",
        "rules.company",
        "Company name",
        Widget.LINE,
        line,
        "As customers know it, e.g. Hanna's Bikes",
        max_length=_LONGEST_LINE,
    )
    tone: str = _of(
        "",
        "rules.tone",
        "Tone",
        Widget.LINE,
        line,
        "E.g. friendly and short, first names, no exclamation marks",
        max_length=_LONGEST_LINE,
    )
    never_discuss: Lines = _lines(
        (),
        "rules.never_discuss",
        "Never discuss",
        "One topic per line, e.g. competitors. The AI offers an agent instead.",
        lines(20),
    )
    guidance: Lines = _lines(
        (),
        "rules.guidance",
        "Guidance",
        "One sentence per line, e.g. For refunds, ask for the order number. Facts belong into "
        "articles.",
        lines(30, 300),
    )


class Team(_Section):
    admins: Lines = _of(
        (), "admins", "Admins, in addition to workspace admins", Widget.PEOPLE, people
    )
    agents_group: str = _of(
        "",
        "roles.agents_group",
        "Agents' user group",
        Widget.GROUP,
        group,
        "Members of this group are agents in every Slack channel, in addition to each "
        "channel's members.",
    )
    guests_in: Lines = _of(
        (),
        "roles.guests_in",
        "Slack channels where guests are agents",
        Widget.CHANNELS,
        slack_channels,
        "Guests in other Slack channels have no access.",
    )
    note_prefixes: Lines = _lines(
        NOTE_PREFIXES,
        "note.prefixes",
        "Note prefixes",
        "One per line. Messages starting with these are internal.",
        lines(10, 20),
    )
    hold_seconds: StrictInt = _whole(
        0,
        10,
        "hold_seconds",
        "Seconds to hold replies before sending",
        "0 to 10. You can still edit or delete during this time.",
    )
    transcript: StrictBool = _switch(
        True,
        "thread.transcript",
        "Begin threads with the last messages",
        "What the customer and the AI wrote before the escalation.",
    )
    new_tags: StrictBool = _switch(
        True,
        "tags.new",
        "Agents may add tags",
        "If not, agents choose from the list that admins keep with /handoff tags.",
    )
    survey: StrictBool = _switch(True, "csat", "Send satisfaction survey")
    reopen_hours: StrictInt = _whole(
        24,
        720,
        "reopen_hours",
        "Reopen the ticket if the customer returns within (hours)",
        "0 = always create a new ticket",
    )


class Translation(_Section):
    translate: StrictBool = _switch(False, "translation.on", "Translate")
    team_language: Annotated[str, AfterValidator(_language)] = _field(
        "en",
        "translation.language",
        Setting(
            "translation.language",
            "The team's language",
            Widget.CHOICE,
            "en",
            choice(LANGUAGES),
            choices=LANGUAGES,
        ),
    )


class Files(_Section):
    transcribe: StrictBool = _switch(
        False,
        "files.transcribe",
        "Transcribe voice notes",
        "Voice notes are sent to the language model's provider. The AI answers the transcript.",
    )
    see_pictures: StrictBool = _switch(
        False,
        "files.pictures",
        "Let the assistant see pictures",
        "Customers' pictures are sent to the language model's provider.",
    )


class Hours(_Section):
    business_hours: Lines = _field((), "hours.lines", *map(_day, DAY_NAMES))
    timezone: str = _of(
        "", "hours.timezone", "Time zone", Widget.LINE, time_zone, "For example Europe/Berlin."
    )
    country: str = _field(
        "",
        "hours.country",
        Setting(
            "hours.country",
            "Country of public holidays",
            Widget.NONE_OR_ONE,
            "",
            line,
            hint="The team is closed on these days every year. Choose a country to see them.",
            placeholder="No country",
            renders_again=True,
        ),
    )
    region: str = _field(
        "",
        "hours.region",
        Setting(
            "hours.region",
            "Region",
            Widget.NONE_OR_ONE,
            "",
            line,
            placeholder="The whole country",
            renders_again=True,
        ),
    )
    holidays_worked: Lines = _field(
        (),
        "hours.worked",
        Setting(
            "hours.worked",
            "Public holidays on which the team works",
            Widget.SEVERAL,
            [],
            several(),
            hint="The team works on the chosen days, every year. All other days in the menu are days off.",
            placeholder="None of them",
        ),
    )
    holidays: Lines = _lines(
        (), "hours.holidays", "Further days off", "Dates, one per line, e.g. 2026-12-25.", holidays
    )


class Waiting(_Section):
    waiting_policy: Lines = _field(
        DEFAULT,
        "ladder.rungs",
        PolicySteps(
            "ladder.rungs",
            "Waiting policy",
            Widget.POLICY_STEPS,
            list(DEFAULT),
            policy_steps,
            hint=(
                f"At most {MOST_STEPS} steps, within 7 days; time outside business hours does not "
                "count. A step for one priority replaces the steps of its kind for all priorities."
            ),
        ),
    )
    mention_group: str = _of("", "ladder.group", "Group to mention", Widget.GROUP, group)
    mention_minutes: StrictInt = _whole(
        10,
        24 * 60,
        "mention.minutes",
        "Minutes between mentions of the team",
        "0 = never. A new card mentions the group, or @here, in business hours, unless a "
        "notification rule fits.",
    )
    by_presence: StrictBool = _switch(
        True,
        "availability.by_presence",
        "Offer to members who are active in Slack",
        "Members of the agents' user group, or of the Slack channel, who have not set "
        "their availability.",
    )
    position_minutes: StrictInt = _whole(
        0,
        24 * 60,
        "position_minutes",
        "Minutes between queue position updates",
        "0 = no updates. Sent only when the customer has moved up.",
    )
    reminder_minutes: StrictInt = _whole(
        10, 24 * 60, "idle_minutes", "Minutes until the assignee is reminded to reply", "0 = never"
    )
    away_minutes: StrictInt = _whole(
        30,
        24 * 60,
        "away_minutes",
        "Minutes until conversations of an agent who is away go back to the queue",
        "0 = never. Counts in business hours, from the agent's absence, the end of their own "
        "hours, or their last reply or note.",
    )
    capacity: StrictInt = _whole(
        0,
        99,
        "capacity",
        "Conversations per agent",
        "0 = no limit. Agents can set their own limit.",
    )


class Knowledge(_Section):
    article_drafts: StrictInt = _whole(
        5,
        50,
        "knowledge.drafts",
        "Article drafts a day",
        "0 = none. After Resolve, the assistant drafts an article from the agent's answer.",
    )
    unanswered_weekly: StrictBool = _switch(
        True,
        "knowledge.unanswered",
        "List questions without an answer every Monday",
        "What customers asked last week and no article answers.",
    )
    article_channels: Lines = _of(
        (),
        "knowledge.channels",
        "Slack channels for drafts and questions",
        Widget.CHANNELS,
        slack_channels,
        "If none is set, the named admins get direct messages. Only admins can approve drafts.",
    )


class Sla(_Section):
    sla: dict[str, Any] = _field(
        {}, "sla", *(_target(priority, each) for priority in Priority for each in SlaTarget)
    )
    """Minutes by name; `sla_length` checks each, so that a broken one does not cost the others."""


class LiveSettings(Triggers, Guidance, Team, Translation, Files, Hours, Waiting, Knowledge, Sla):
    """All live settings."""


# -- reading them


def key_of(name: str) -> str:
    """Returns the key that a setting is stored by."""
    return str(LiveSettings.model_fields[name].alias)


def read(name: str, stored: Any) -> Any:
    """Returns a setting's value from the stored one; the default if that is None or not valid."""
    if stored is not None:
        try:
            return getattr(LiveSettings.model_validate({key_of(name): stored}), name)
        except ValidationError:
            logger.warning("a setting is stored wrongly", extra={"key": key_of(name)})
    return LiveSettings.model_fields[name].get_default(call_default_factory=True)


class _Stored:
    """Parses each setting when it is asked for. A transaction queries all of them once."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def __getattr__(self, name: str) -> Any:
        return read(name, log.preference(self._tx, key_of(name), None))


def live(tx: Transaction) -> LiveSettings:
    """Returns the live settings."""
    return cast("LiveSettings", _Stored(tx))


# -- what the modals show


def _section(
    model: type[BaseModel], title: str, description: str, problems: Problems = no_problems
) -> Section:
    held = (each for field in model.model_fields.values() for each in field.metadata)
    settings = tuple(each for each in held if isinstance(each, Setting))
    return Section(model.__name__.casefold(), title, description, settings, problems)


TRANSLATION = _section(
    Translation,
    "Translation",
    "Agents and customers each write in their own language. Requires a language model "
    "(OPENAI_API_KEY).",
)
FILES = _section(
    Files,
    "Voice notes, pictures",
    "Whether the AI reads customers' voice notes and pictures. Requires a language model "
    "(OPENAI_API_KEY).",
)
HOURS = _section(
    Hours,
    "Business hours",
    "When the team works. Outside business hours, customers are informed and the waiting "
    "policy pauses.",
    any_day_open([f"hours.lines:{day}" for day in DAY_NAMES]),
)
GUIDANCE = _section(
    Guidance,
    "AI guidance",
    "How the AI answers with a language model (OPENAI_API_KEY): tone, topics to avoid, what to ask "
    "for.",
)
SECTIONS: tuple[Section, ...] = (
    _section(
        Triggers,
        "Triggers",
        "Which signals lead to a handoff, and how easily; phrases, VIPs and languages.",
    ),
    GUIDANCE,
    _section(
        Team,
        "Team",
        "Admins and agents, note prefixes, reply delay, surveys and reopening of tickets.",
    ),
    TRANSLATION,
    FILES,
    HOURS,
    _section(
        Waiting,
        "Waiting",
        "What happens while a conversation waits in the queue, and when an assignee does not "
        "reply.",
    ),
    _section(
        Knowledge,
        "Knowledge base",
        "What the assistant learns from agents' answers, and who is told about missing articles.",
    ),
    _section(
        Sla,
        "SLA",
        "SLA targets by priority, in business hours. A warning is posted in the thread at 80%.",
    ),
)
"""All sections, in display order."""
