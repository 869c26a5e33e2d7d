"""Builds the core from its ports; used by `app.py` and the tests."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from handoff_bot.domain.escalations import EscalationLimits
from handoff_bot.domain.results import CheckResult
from handoff_bot.domain.texts import Moment
from handoff_bot.jobs.handler import JobKind, Registry
from handoff_bot.jobs.inbox import Inbox
from handoff_bot.jobs.rate_limits import Rate, RateLimiter
from handoff_bot.jobs.worker import Scheduler, Worker
from handoff_bot.ports import (
    Assistant,
    Backlog,
    Channel,
    Clock,
    Crawler,
    CustomerLookup,
    Desk,
    Detector,
    Eraser,
    FileReader,
    Learner,
    Library,
    Mailer,
    Rewriter,
    TicketConnector,
    ToolServers,
    Translator,
)
from handoff_bot.services import catching_up, customer_lookup, timers
from handoff_bot.services.ai_turns import (
    answering,
    articles,
    file_reading,
    inbound,
    learning,
    moods,
    queued,
)
from handoff_bot.services.ai_turns.answering import TurnEvaluator
from handoff_bot.services.ai_turns.drafting import Drafting, Feedback
from handoff_bot.services.ai_turns.language_model import LOOK, LookAtModel, ModelDoctor, ModelPart
from handoff_bot.services.ai_turns.look_ups import LookUpList
from handoff_bot.services.ai_turns.mcp_servers import ServerList
from handoff_bot.services.ai_turns.subjects import Subjects
from handoff_bot.services.delivery import (
    customer_texts,
    inbound_files,
    outbound_files,
    reachability,
    sending,
)
from handoff_bot.services.delivery.customer_texts import CustomerTexts
from handoff_bot.services.escalations import (
    availability,
    holding,
    offers,
    owners,
    routing,
    sla,
    waiting_policy,
)
from handoff_bot.services.escalations.availability import AgentAvailability
from handoff_bot.services.escalations.claims import LateClaim, Queue
from handoff_bot.services.escalations.lifecycle import CLAIM, Escalations
from handoff_bot.services.escalations.opening import LetIn, Opening
from handoff_bot.services.escalations.owners import IDLE, RemindOwner
from handoff_bot.services.escalations.snoozing import WAKE, Snoozing, Wake
from handoff_bot.services.home import TICK, FirstSteps, Homes, Tick
from handoff_bot.services.merging import Merging
from handoff_bot.services.notifications import notifications, transcripts
from handoff_bot.services.outbox import alarms, outbox, ticket_sync
from handoff_bot.services.outbox.posts import desk_job_kinds
from handoff_bot.services.outbox.slack_channels import DeskChannels
from handoff_bot.services.outbox.slack_job import LackingBlocks
from handoff_bot.services.outbox.team_mention import TEAM_MENTION, MentionTeam
from handoff_bot.services.outbox.ticket_sync import TICKET_OUT, SyncTicket, TicketSync
from handoff_bot.services.privacy import forgetting, outside, retention
from handoff_bot.services.replies.canned import CannedReplies
from handoff_bot.services.replies.held_replies import HeldReplies, ModalReplies
from handoff_bot.services.replies.message_templates import Templates
from handoff_bot.services.replies.thread_replies import ThreadReplies
from handoff_bot.services.replies.threads import Threads
from handoff_bot.services.reporting.metrics import (
    FIGURES,
    REPORT,
    HandOver,
    Maker,
    Metrics,
    MetricsReport,
    Reports,
)
from handoff_bot.services.settings.preferences import Audit, Preferences
from handoff_bot.services.settings.roles import Roles
from handoff_bot.services.tickets import tickets
from handoff_bot.services.tickets.ticket_edits import TagList
from handoff_bot.services.tickets.tickets import Tickets
from handoff_bot.services.translation import translating
from handoff_bot.services.translation.translating import Interpreter
from handoff_bot.storage.database import Database

QUEUES = {
    "in": 8,
    "answer": 8,
    "out": 8,
    "news": 2,
    "slack": 4,
    "translate": 6,
    "desk": 8,
    "draw": 3,
    "mood": 1,
    "whisper": 2,
    "tell": 2,
    "claim": 2,
    "catch": 2,
    "read": 2,
    "ladder": 2,
    "offer": 2,
    "mail": 2,
    "customer": 2,
    **dict.fromkeys(ticket_sync.QUEUES, 2),
    "tick": 1,
    "model": 1,
    "privacy": 2,
    "learn": 2,
    "reading": 4,
}
"""Queue -> threads: a slow provider only occupies the threads of its own queue."""


MOST_THREADS = max(QUEUES.values())
TO_CUSTOMERS = "out"
"""The queue whose jobs send to customers."""
TO_DESK = ("slack", "desk", "draw", "whisper", "tell", "claim", "read", "offer")
"""The queues whose jobs need the desk."""


def _threads(parts: Dependencies, threads: Mapping[str, int]) -> dict[str, int]:
    """Returns how many threads each queue has; jobs of a queue that is not in it wait."""
    held = (*([TO_CUSTOMERS] if parts.is_holding else ()), *(TO_DESK if parts.is_cut_off else ()))
    return {
        name: min(count, parts.most_threads) for name, count in threads.items() if name not in held
    }


@dataclass(frozen=True)
class Dependencies:
    """The core's dependencies.

    Attributes:
        poll, lease: in seconds; see Worker.
        jitter: random source for retry delays; tests seed it.
        settle: how long a message or post may take to appear at its provider after its call began.
        sole: True when no other process runs lanes on this database.
        sinks: connectors to other ticket systems, by name.
        mailer: sends email to the team; None without a mail server.
        customers: the team's own system that knows more about customers; None without one.
        translator, rewriter, file_reader: None without a language model.
        backlogs: channels whose providers list missed messages, by kind.
        erasers: channels whose providers delete messages on request, by kind.
        limits: rate limits for Slack by budget; see services/outbox/slack_job.py.
        base_url: public URL from which providers fetch files.
        model: the monitored language model; None without one.
        is_holding: sends nothing to customers: their messages wait. For a look at a restored database.
        is_cut_off: calls no desk: jobs for it wait until the app is installed again.
        most_threads: maximum of each queue, for workspaces that share a process.
        has_own_knowledge: whether the assistant has articles besides the sample shop's.
        library: the articles, for editing; None without.
        learner: drafts articles; None without.
        crawler: reads web pages into the articles; None without any.
        look_up_secrets: names of the secrets that sign look-ups.
        tool_servers: asks MCP servers; None without a language model.
        tool_tokens: the host of each bearer token for them, by name.
        allows_loopback: whether look-ups may ask this machine.
        escalation_limits: how many escalations may start at a time, by groups of senders.
        connected_checks: the doctor's health checks of what is connected besides Slack and the model.
    """

    database: Database
    channels: Mapping[str, Channel]
    desk: Desk
    detector: Detector
    assistant: Assistant
    clock: Clock
    settle: timedelta = timedelta(seconds=5)
    poll: float = 1.0
    lease: float = 5.0
    sole: bool = False
    base_url: str = ""
    escalation_limits: EscalationLimits = field(default_factory=EscalationLimits)
    jitter: random.Random | None = None
    connectors: Mapping[str, TicketConnector] = field(default_factory=dict)
    mailer: Mailer | None = None
    customers: CustomerLookup | None = None
    translator: Translator | None = None
    rewriter: Rewriter | None = None
    file_reader: FileReader | None = None
    limits: Mapping[str, Rate] = field(default_factory=dict)
    model: ModelPart | None = None
    backlogs: Mapping[str, Backlog] = field(default_factory=dict)
    erasers: Mapping[str, Eraser] = field(default_factory=dict)
    is_holding: bool = False
    is_cut_off: bool = False
    most_threads: int = MOST_THREADS
    has_own_knowledge: Callable[[], bool] = lambda: True
    library: Library | None = None
    learner: Learner | None = None
    crawler: Crawler | None = None
    look_up_secrets: tuple[str, ...] = ()
    tool_servers: ToolServers | None = None
    tool_tokens: Mapping[str, str] = field(default_factory=dict)
    allows_loopback: bool = False
    connected_checks: Callable[[], Iterable[CheckResult]] = tuple


@dataclass(frozen=True)
class Services:
    database: Database
    clock: Clock
    inbox: Inbox
    escalations: Escalations
    relay: ThreadReplies
    composed: ModalReplies
    decisions: HeldReplies
    interpreter: Interpreter
    feedback: Feedback
    preferences: Preferences
    queue: Queue
    snoozing: Snoozing
    desk_channels: DeskChannels
    lacking_blocks: LackingBlocks
    availability: AgentAvailability
    offers: offers.Offers
    routing: routing.Routing
    notices: notifications.Notifications
    look_ups: LookUpList
    mcp_servers: ServerList
    tags: TagList
    tickets: Tickets
    merging: Merging
    files: inbound_files.Files
    serving: outbound_files.Serving
    templates: Templates
    drafting: Drafting
    homes: Homes
    first_steps: FirstSteps
    metrics: Metrics
    model: ModelDoctor
    connected_checks: Callable[[], Iterable[CheckResult]]
    reports: Reports
    canned: CannedReplies
    customer_texts: CustomerTexts
    audit: Audit
    tickets_out: TicketSync
    mail: notifications.Mails | None
    transcripts: transcripts.Transcripts
    reacting: TurnEvaluator
    worker: Worker
    scheduler: Scheduler
    roles: Roles
    owners: owners.Owners
    subjects: Subjects
    catching_up: catching_up.CatchingUp
    forgetting: forgetting.Forgetting
    retention: retention.Retention
    articles: articles.Articles
    drafts: learning.Drafts
    handlers: Registry
    reads_files: bool

    @classmethod
    def build(cls, parts: Dependencies) -> Services:
        clock, database = parts.clock, parts.database
        tickets_out = TicketSync(parts.connectors)
        subscribers = (
            availability.on_escalation_changed,
            routing.on_escalation_changed,
            notifications.on_escalation_changed,
            waiting_policy.on_escalation_changed,
            waiting_policy.start_position_updates,
            sla.on_escalation_changed,
            answering.on_escalation_changed,
            answering.answer_unposted,
            translating.begin,
            tickets_out,
            *([learning.Learning()] if parts.learner else ()),
        )
        waiting = holding.Holding(parts.escalation_limits, parts.channels)
        opening = Opening(parts.channels, clock, waiting, subscribers)
        escalations = Escalations(database, parts.channels, clock, subscribers)
        reacting = TurnEvaluator(parts.detector, parts.assistant)
        check = outbox.MoodCheck(parts.detector, clock)
        mood_of = moods.Moods(reacting, clock, tickets_out)
        preferences = Preferences(database, clock)
        roles = Roles(database, parts.desk, clock)
        interpreter = Interpreter(database, parts.translator)
        threads = Threads(parts.channels, clock)
        composed = ModalReplies(database, clock, threads, escalations)
        metrics = Metrics(database, clock)
        mails = notifications.Mails() if parts.mailer else None
        files = file_reading.FileReading(parts.file_reader)
        owner_checks = owners.OwnerChecks(clock)
        makers: dict[str, Maker] = {
            FIGURES: MetricsReport(metrics),
            tickets.EXPORT: tickets.TicketsReport(database),
        }
        arriving = (
            reacting,
            opening,
            parts.channels,
            clock,
            mood_of,
            owner_checks,
            escalations.leave_in,
            files,
        )
        handlers = Registry(
            QUEUES,
            [
                JobKind(
                    inbound.INBOUND,
                    inbound.HandleInbound(*arriving, looks_up=parts.customers is not None),
                    "in",
                ),
                JobKind(
                    inbound.FILES_READ,
                    inbound.HandleFilesRead(*arriving),
                    "in",
                ),
                JobKind(
                    file_reading.READ,
                    file_reading.ReadFiles(parts.file_reader, parts.channels, clock, inbound.go_on),
                    "reading",
                ),
                JobKind(
                    customer_lookup.LOOK_UP,
                    customer_lookup.LookUpCustomer(parts.customers, clock),
                    "customer",
                ),
                JobKind(
                    answering.ANSWER,
                    answering.HandleAnswer(reacting, opening, parts.channels, clock),
                    "answer",
                ),
                JobKind(
                    queued.QUEUED,
                    queued.HandleQueued(reacting, escalations, parts.channels, clock),
                    "answer",
                ),
                JobKind(
                    sending.SEND,
                    sending.Send(database, parts.channels, clock, parts.base_url),
                    "out",
                ),
                JobKind(
                    outbound_files.COLLECT,
                    outbound_files.Collect(database, parts.desk, parts.channels, clock),
                    "out",
                ),
                JobKind(
                    sending.STATUS_UPDATE, sending.ApplyStatusUpdate(clock, parts.channels), "news"
                ),
                JobKind(
                    catching_up.CATCH_UP,
                    catching_up.CatchUp(parts.backlogs, clock, inbound.as_work),
                    "catch",
                ),
                JobKind(CLAIM, LateClaim(escalations, clock), "claim"),
                JobKind(timers.PRUNE, timers.Prune(clock), "tick"),
                JobKind(retention.RETAIN, retention.Retain(clock), "tick"),
                JobKind(TICK, Tick(clock), "tick"),
                JobKind(articles.CRAWL_TICK, articles.CrawlTick(parts.crawler, clock), "tick"),
                JobKind(articles.CRAWL, articles.Crawl(parts.crawler, clock), "learn"),
                JobKind(articles.TICK, articles.Tick(clock), "tick"),
                JobKind(
                    articles.UNANSWERED, articles.ListUnanswered(parts.learner, clock), "learn"
                ),
                JobKind(learning.LEARN, learning.DraftArticle(parts.learner, clock), "learn"),
                JobKind(learning.PUBLISH, learning.PublishDraft(parts.library, clock), "learn"),
                JobKind(timers.WATCH, timers.Watch(clock), "tick"),
                JobKind(LOOK, LookAtModel(parts.model, clock), "model"),
                JobKind(holding.LET_IN, LetIn(opening, waiting, clock), "tick"),
                JobKind(holding.DIGEST, holding.Digest(clock), "tick"),
                JobKind(WAKE, Wake(clock), "tick"),
                JobKind(
                    waiting_policy.POLICY_STEP,
                    waiting_policy.RunPolicyStep(escalations, parts.channels, clock, tickets_out),
                    "ladder",
                    formerly="ladder.rung",
                ),
                JobKind(
                    waiting_policy.POSITION,
                    waiting_policy.QueuePositionUpdate(parts.channels, clock),
                    "ladder",
                ),
                JobKind(
                    offers.OFFER,
                    offers.Offer(parts.desk, clock, roles),
                    "offer",
                    formerly="ladder.offer",
                ),
                JobKind(
                    availability.PRESENCE, availability.CheckPresence(parts.desk, clock), "offer"
                ),
                JobKind(
                    routing.ASSIGN,
                    routing.Assign(escalations, parts.desk, clock, roles),
                    "offer",
                ),
                JobKind(TEAM_MENTION, MentionTeam(parts.desk, clock), "offer"),
                JobKind(notifications.NOTICE, notifications.Notify(mails, clock), "ladder"),
                JobKind(sla.REMIND, sla.Remind(clock), "tick"),
                JobKind(IDLE, RemindOwner(clock), "tick"),
                JobKind(
                    owners.OWNER, owners.CheckOwner(roles, escalations, parts.desk, clock), "claim"
                ),
                JobKind(owners.OWNERS, owners.CheckOwners(clock), "tick"),
                JobKind(
                    reachability.CLOSING,
                    reachability.Closing(clock),
                    "tick",
                    formerly="tick.window",
                ),
                JobKind(
                    TICKET_OUT,
                    SyncTicket(parts.connectors, parts.desk, clock),
                    *ticket_sync.QUEUES,
                ),
                JobKind(
                    notifications.MAIL,
                    notifications.SendMail(parts.mailer, parts.desk, clock),
                    "mail",
                ),
                JobKind(
                    transcripts.TRANSCRIPT,
                    transcripts.SendTranscript(
                        parts.mailer,
                        clock,
                        partial(
                            customer_texts.send,
                            moment=Moment.COPY_NOT_SENT,
                            channels=parts.channels,
                        ),
                    ),
                    "mail",
                ),
                JobKind(
                    translating.TRANSLATE,
                    translating.Translate(parts.translator, clock),
                    "translate",
                ),
                JobKind(REPORT, HandOver(database, parts.desk, clock, makers), "tell"),
                JobKind(
                    inbound_files.FILE,
                    inbound_files.BringFile(database, parts.desk, clock, parts.channels),
                    "desk",
                ),
                JobKind(outbox.MOOD, moods.JudgeMood(mood_of, clock), "mood"),
                JobKind(
                    forgetting.FORGET,
                    forgetting.Forget(database, clock, parts.connectors, parts.erasers),
                    "privacy",
                ),
                JobKind(
                    outside.ERASE,
                    outside.Erase(
                        parts.desk, parts.erasers, parts.connectors, clock, forgetting.go_on
                    ),
                    "privacy",
                ),
                *desk_job_kinds(database, parts.desk, clock, check),
            ],
        )
        ticket_service = Tickets(database, clock, escalations, tickets_out, parts.channels)
        catcher = catching_up.CatchingUp(database, clock, parts.backlogs, handlers)
        handlers.add(JobKind(catching_up.CONTACT, catching_up.Contact(catcher), "tick"))
        worker = Worker(
            database,
            handlers,
            clock,
            threads=_threads(parts, handlers.threads),
            poll=parts.poll,
            ttl=parts.lease,
            sole=parts.sole,
            jitter=parts.jitter,
            limiter=RateLimiter(parts.limits),
            on_given_up=alarms.given_up,
            settle=parts.settle,
        )
        worker.attach()
        check.is_busy = lambda: worker.is_behind
        return cls(
            database=database,
            clock=clock,
            inbox=Inbox(worker),
            escalations=escalations,
            relay=ThreadReplies(database, parts.channels, clock, threads, interpreter),
            composed=composed,
            decisions=HeldReplies(database, clock, threads, escalations, interpreter),
            interpreter=interpreter,
            feedback=Feedback(database, clock),
            preferences=preferences,
            queue=Queue(database, clock, escalations),
            snoozing=Snoozing(database, clock),
            desk_channels=DeskChannels(database, clock),
            lacking_blocks=LackingBlocks(database, clock),
            availability=AgentAvailability(database, clock),
            offers=offers.Offers(database, clock),
            routing=routing.Routing(database, preferences, parts.channels),
            notices=notifications.Notifications(database, preferences, has_mail=mails is not None),
            look_ups=LookUpList(
                preferences,
                parts.look_up_secrets,
                allows_loopback=parts.allows_loopback,
            ),
            mcp_servers=ServerList(
                preferences,
                parts.tool_servers,
                parts.tool_tokens,
                allows_loopback=parts.allows_loopback,
            ),
            tags=TagList(database, preferences),
            tickets=ticket_service,
            merging=Merging(database, clock, ticket_service),
            files=inbound_files.Files(database, clock),
            serving=outbound_files.Serving(database, parts.channels, clock),
            templates=Templates(database, parts.channels, preferences, composed),
            drafting=Drafting(database, parts.assistant, parts.rewriter, parts.translator),
            homes=Homes(database, clock),
            first_steps=FirstSteps(
                database,
                parts.desk,
                clock,
                preferences,
                parts.channels,
                has_mail=mails is not None,
                has_own_knowledge=parts.has_own_knowledge,
            ),
            metrics=metrics,
            model=ModelDoctor(parts.model, database, clock),
            connected_checks=parts.connected_checks,
            reports=Reports(database, clock),
            canned=CannedReplies(database, clock),
            customer_texts=CustomerTexts(database, preferences),
            audit=Audit(database),
            tickets_out=tickets_out,
            mail=mails,
            transcripts=transcripts.Transcripts(database, clock, has_mail=mails is not None),
            reacting=reacting,
            worker=worker,
            scheduler=Scheduler(database, clock, timers.EVERY),
            roles=roles,
            owners=owners.Owners(database, parts.desk, clock),
            subjects=Subjects(database, parts.desk),
            catching_up=catcher,
            forgetting=forgetting.Forgetting(database, clock),
            retention=retention.Retention(database, preferences, clock, parts.channels),
            articles=articles.Articles(database, clock, parts.library, parts.learner),
            drafts=learning.Drafts(database, clock, parts.library),
            handlers=handlers,
            reads_files=parts.file_reader is not None,
        )
