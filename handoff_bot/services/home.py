"""The Home tab: an agent's data, and the setup checklist of a new team."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from handoff_bot.domain.desk import HERE, AgentRef, BoardRow, Filter, Home, MyRow, Whose
from handoff_bot.domain.errors import DeskError
from handoff_bot.domain.escalations import Status
from handoff_bot.domain.events import EventKind
from handoff_bot.domain.messages import Author
from handoff_bot.domain.metrics import AgentNumbers, Choice, Numbers, Period, Scope
from handoff_bot.domain.results import CheckResult
from handoff_bot.domain.text import language_name, many
from handoff_bot.jobs.handler import ADMINS, TransactionJob
from handoff_bot.jobs.job import Job, NewJob, enqueue_job
from handoff_bot.ports import Channel, Clock, Desk
from handoff_bot.services.delivery.customer_texts import PREFIX, SILENT
from handoff_bot.services.escalations import availability
from handoff_bot.services.notifications.notifications import RULE, RULES
from handoff_bot.services.outbox import alarms, slack_channels, team_mention
from handoff_bot.services.reporting import metrics
from handoff_bot.services.settings import rule_lists
from handoff_bot.services.settings.preferences import Preferences
from handoff_bot.services.settings_catalog import live
from handoff_bot.services.translation import translating
from handoff_bot.storage import agents, conversations, deliveries, log, queue
from handoff_bot.storage import escalations as rows
from handoff_bot.storage.database import Database
from handoff_bot.storage.models import Escalation
from handoff_bot.storage.transaction import Transaction

# -- the Home tab

MOST_MINE = 60
"""Maximum number of an agent's own conversations; those that wait for a reply come first."""
MOST_WAITING = 10
_SPOKEN = frozenset({Author.CONTACT, Author.AGENT})


class Homes:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def of(
        self,
        agent: AgentRef,
        timezone: str,
        slack_channels: frozenset[str] | None = None,
        *,
        may_administer: bool,
    ) -> Home:
        """Returns an agent's Home tab. `slack_channels` are the visible channels, None for all."""
        now = self._clock.now()
        with self._database.read() as tx:
            own = Filter(Whose.MINE, owner=agent.desk_id, slack_channels=slack_channels)
            mine, in_all = queue.page(tx, own, now, 0, MOST_MINE)
            waiting, waits = queue.page(
                tx, Filter(slack_channels=slack_channels), now, 0, MOST_WAITING
            )
            today = metrics.numbers(tx, Scope(Period.chosen(Choice.TODAY, now, timezone)))
            return Home(
                agent=agent,
                mine=tuple(sorted((_mine(tx, row) for row in mine), key=_urgency)),
                mine_in_all=in_all,
                waiting=tuple(waiting),
                waits=waits,
                claimed=_claimed(tx, slack_channels, now),
                today=today,
                mine_today=_mine_of(tx, agent, today),
                may_administer=may_administer,
            )


def _claimed(tx: Transaction, slack_channels: frozenset[str] | None, now: datetime) -> int:
    if slack_channels is None:
        return rows.count(tx, Status.CLAIMED)
    seen = Filter(Whose.CLAIMED, slack_channels=slack_channels)
    return queue.page(tx, seen, now, 0, 1)[1]


def _mine(tx: Transaction, row: BoardRow) -> MyRow:
    escalation = tx.session.get_one(Escalation, row.escalation_id)
    said = deliveries.arrived(tx, conversations.recent(tx, escalation.conversation_id, 5))
    last = next((one for one in reversed(said) if one.author in _SPOKEN), None)
    waits = last is not None and last.author == Author.CONTACT
    return MyRow(row, last.created_at if last else None, waits)


def _urgency(mine: MyRow) -> tuple[bool, datetime]:
    return not mine.waits_for_me, mine.said_at or mine.row.opened_at


def _mine_of(tx: Transaction, agent: AgentRef, today: Numbers) -> AgentNumbers | None:
    row = agents.by_desk_id(tx, agent.desk_id)
    found = (one for one in today.agents if row and one.agent_id == row.id)
    return next(found, None)


# -- the setup checklist: what a new team still has to decide
# Nothing is stored but what admins said: which defaults they keep, and that the checklist may go.

KEPT, DISMISSED = "setup.kept", "setup.dismissed"
"""Settings: the steps whose default admins keep, and whether the checklist is dismissed."""
PLACE = "setup.place"
"""Where the checklist is in the queue channel, and a digest of what it shows."""
TEMPLATES = "templates"

EVERY = timedelta(minutes=5)
TICK, SHOW = "tick.setup", "slack.setup"
NOTIFIED = "Notifications"
ALARMED = "Alarms"
UNNOTIFIED = "No agent would be notified of a new escalation"


class StepId(StrEnum):
    """The steps, in order."""

    QUEUE_CHANNEL = "queue_channel"
    AGENTS = "agents"
    NOTIFIED = "notified"
    HOURS = "hours"
    LANGUAGE = "language"
    TEXTS = "texts"
    KNOWLEDGE = "knowledge"
    TEMPLATES = "templates"
    TEST = "test"
    LIVE = "live"


KEEPABLE = frozenset(
    {StepId.HOURS, StepId.LANGUAGE, StepId.TEXTS, StepId.TEMPLATES, StepId.LIVE, StepId.KNOWLEDGE}
)
"""Steps whose default may be right."""


@dataclass(frozen=True)
class SetupStep:
    """One step. `words` say what is so now, or what to do."""

    id: StepId
    done: bool
    words: str


class FirstSteps:
    """The checklist, for admins.

    Args:
        channels: whether templates matter depends on them.
        has_mail: whether notification rules with only email addresses reach agents.
        has_own_knowledge: whether there are articles besides the sample shop's.
    """

    def __init__(
        self,
        database: Database,
        desk: Desk,
        clock: Clock,
        preferences: Preferences,
        channels: Mapping[str, Channel],
        *,
        has_mail: bool,
        has_own_knowledge: Callable[[], bool] = lambda: True,
    ) -> None:
        self._database = database
        self._desk = desk
        self._clock = clock
        self._preferences = preferences
        self._has_templates = any(channel.limits.templates for channel in channels.values())
        self._has_mail = has_mail
        self._has_own_knowledge = has_own_knowledge

    def is_open(self) -> bool:
        """Returns whether the checklist is shown."""
        return not self._preferences.get(DISMISSED, False)

    def keep(self, step: str, by: str) -> None:
        """Ticks a step whose default is right."""
        if step in KEEPABLE:
            self._preferences.revise(KEPT, lambda kept: sorted({*(kept or ()), step}), by)

    def dismiss(self, by: str, *, dismissed: bool = True) -> None:
        """Hides the checklist, or shows it again."""
        self._preferences.change(DISMISSED, dismissed, by)

    def started(self) -> None:
        """Called at process start: shows the checklist in the queue channel, if it is open.

        A team that worked before there was a checklist does not get one.
        """
        with self._database.write() as tx:
            said = (log.preference(tx, key, None) for key in (DISMISSED, PLACE))
            if all(one is None for one in said) and log.any_of(tx, EventKind.ESCALATION_CLAIM):
                log.prefer(tx, DISMISSED, True, "system", self._clock.now())
            update(tx, self._clock)

    def changed(self) -> None:
        """Updates the checklist in the queue channel."""
        with self._database.write() as tx:
            update(tx, self._clock)

    def steps(self) -> tuple[SetupStep, ...]:
        """Returns all steps. Asks Slack, so this takes a moment."""
        queue = self._queue_channel()
        notified = self.notified()
        agents = self._agents(queue)
        with self._database.read() as tx:
            kept = frozenset(log.preference(tx, KEPT, []))
            found = [
                queue_step(queue),
                agents,
                SetupStep(StepId.NOTIFIED, notified.ok, notified.words),
                _hours(tx),
                _language(tx),
                _texts(tx),
                self._knowledge(),
                *([_templates(tx)] if self._has_templates else []),
                _test(tx),
                _live(tx),
            ]
        return tuple(
            SetupStep(one.id, one.done or one.id.value in kept, one.words) for one in found
        )

    def notified(self) -> CheckResult:
        """Returns the health check of who is notified of a new escalation."""
        queue = self._queue_channel()
        with self._database.read() as tx:
            rules = rule_lists.read(tx, RULES, RULE)
            is_on, called = team_mention.is_on(tx), team_mention.called(tx)
        if not queue:
            return _unnotified("no queue channel is set")
        if rules:
            audiences = [rule.to for rule in rules]
            if any(to.slack_channel or to.group_id or to.people for to in audiences):
                return CheckResult(NOTIFIED, True, f"{many(len(rules), 'notification rule')}")
            if self._has_mail:
                return CheckResult(NOTIFIED, True, "by e-mail")
            return _unnotified("the rules only name e-mail addresses, and there is no mail server")
        if not is_on:
            return _unnotified("there are no notification rules, and new cards mention no agent")
        return self._mentioned(queue, called)

    def alarmed(self) -> CheckResult:
        """Returns the health check of who is told of failures, such as undelivered messages."""
        queue = self._queue_channel()
        with self._database.read() as tx:
            named = [one for one in alarms.admins(tx) if one != alarms.QUEUE]
        if named:
            return CheckResult(ALARMED, True, f"{many(len(named), 'admin')} named in the settings")
        if not queue:
            words = "no admin is named, and no queue channel is set, so failures are not reported"
            return CheckResult(ALARMED, False, f"{words}; choose one in /handoff setup")
        return CheckResult(
            ALARMED, True, "the queue channel; to tell admins, name them in the settings"
        )

    def _mentioned(self, queue: str, called: str) -> CheckResult:
        try:
            members = self._members(queue if called == HERE else called)
        except DeskError as error:
            return CheckResult(NOTIFIED, False, f"cannot be checked: {error}")
        if called != HERE:
            if not members:
                return _unnotified("the user group to mention has no members")
            return CheckResult(NOTIFIED, True, "a new card mentions the team's user group")
        if not members:
            return _unnotified("the queue channel has no members; invite the agents to it")
        who = many(len(members), "member")
        return CheckResult(NOTIFIED, True, f"a new card mentions the queue channel, with {who}")

    def _members(self, source: str) -> Sequence[str]:
        look = self._desk.members if source.startswith("S") else self._desk.channel_members
        return look(source)

    def _queue_channel(self) -> str:
        with self._database.read() as tx:
            return slack_channels.queue_channel(tx) or self._desk.queue_channel

    def _agents(self, queue: str) -> SetupStep:
        with self._database.read() as tx:
            group = live(tx).agents_group
            by_presence = bool(availability.source(tx, queue))
        if not (group or queue):
            return SetupStep(StepId.AGENTS, False, "Set the queue channel first.")
        try:
            members = self._members(group or queue)
        except DeskError as error:
            return SetupStep(StepId.AGENTS, False, f"Cannot be checked: {error}")
        if not members:
            return SetupStep(StepId.AGENTS, False, NO_AGENTS)
        where = "the agents' user group" if group else "the queue channel"
        offers = " They get offers while they are active in Slack." if by_presence else ""
        words = f"{many(len(members), 'member')} of {where} can answer customers.{offers}"
        return SetupStep(StepId.AGENTS, True, words)

    def _knowledge(self) -> SetupStep:
        if self._has_own_knowledge():
            return SetupStep(StepId.KNOWLEDGE, True, "The AI answers from your own articles.")
        return SetupStep(StepId.KNOWLEDGE, False, SAMPLES)


NO_AGENTS = "There are no agents yet. Invite them to the queue channel, or choose a user group."
SAMPLES = (
    "The AI answers from the sample shop's articles. Write your own here, or put files in the "
    "folder of KNOWLEDGE_DIR instead of them."
)
LIVE = (
    "Customers' messages are answered from now on. Confirm when your team is ready. To stop the "
    "AI at any time, pause it under Triggers: agents then get every conversation."
)
PAUSED = "The AI is paused, and agents get every conversation. Switch it on again under Triggers."
TRY = (
    "Write to one of your channels as a customer: “I want to talk to a person.” Then press Take "
    "Over on the card and reply in its thread."
)


def _unnotified(why: str) -> CheckResult:
    return CheckResult(NOTIFIED, False, f"{UNNOTIFIED}: {why}.")


def queue_step(queue: str) -> SetupStep:
    if queue:
        return SetupStep(StepId.QUEUE_CHANNEL, True, "New escalations appear in this channel.")
    words = "Invite @Handoff to a Slack channel, and choose Use for the queue there."
    return SetupStep(StepId.QUEUE_CHANNEL, False, words)


def _hours(tx: Transaction) -> SetupStep:
    if live(tx).business_hours:
        return SetupStep(StepId.HOURS, True, "Business hours are set.")
    words = "Your team counts as open 24/7: customers are always told that an agent comes soon."
    return SetupStep(StepId.HOURS, False, words)


def _language(tx: Transaction) -> SetupStep:
    if live(tx).translate:
        language = language_name(translating.team_language(tx))
        return SetupStep(StepId.LANGUAGE, True, f"Conversations are translated into {language}.")
    words = "Agents read customers' messages in the language in which they were written."
    return SetupStep(StepId.LANGUAGE, False, words)


def _texts(tx: Transaction) -> SetupStep:
    if log.preferences(tx, PREFIX) or log.preference(tx, SILENT, []):
        return SetupStep(StepId.TEXTS, True, "Customers get your own texts.")
    return SetupStep(StepId.TEXTS, False, "Customers get the texts that Handoff comes with.")


def _templates(tx: Transaction) -> SetupStep:
    if log.preference(tx, TEMPLATES, []):
        return SetupStep(StepId.TEMPLATES, True, "Agents can send templates.")
    words = "After 24 hours, WhatsApp only accepts templates that it has approved. There are none."
    return SetupStep(StepId.TEMPLATES, False, words)


def _test(tx: Transaction) -> SetupStep:
    if log.any_of(tx, EventKind.ESCALATION_CLAIM):
        return SetupStep(StepId.TEST, True, "An agent has taken over a conversation.")
    return SetupStep(StepId.TEST, False, TRY)


def _live(tx: Transaction) -> SetupStep:
    is_paused = rule_lists.detection_rules(tx).paused
    return SetupStep(StepId.LIVE, False, PAUSED if is_paused else LIVE)


def update(tx: Transaction, clock: Clock) -> None:
    """Enqueues an update of the checklist in the queue channel."""
    lane = f"slack:{SHOW}"
    enqueue_job(tx, NewJob(SHOW, lane, {}, clock.now(), key=SHOW, coalesce=True))


class Tick(TransactionJob):
    """Looks again: steps are also done outside Slack, and members join and leave. Hourly once the
    checklist is gone.
    """

    told = ADMINS

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def run(self, tx: Transaction, job: Job) -> None:
        now = self._clock.now()
        if not log.preference(tx, DISMISSED, False) or now.minute < EVERY.total_seconds() // 60:
            update(tx, self._clock)
