"""Composition root: reads the settings and connects core and adapters.

Installed as `handoff_bot.app`. `handoff_bot.app:app` is the WSGI object, in a checkout also `app:app`.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from apscheduler.schedulers.background import BackgroundScheduler
from flask import Flask
from sqlalchemy import make_url

from handoff_bot import charts, error_reports, logs, tracing
from handoff_bot.ai.assistant.checks import check_knowledge, has_own_articles, refuse_samples
from handoff_bot.ai.assistant.library import FolderLibrary
from handoff_bot.ai.composition import Asking, build_ai, build_model, build_probe
from handoff_bot.ai.deadline import within
from handoff_bot.ai.detector.local import LocalDetector
from handoff_bot.ai.detector.tuning import FEWEST, Advice, advise, retrained
from handoff_bot.ai.look_ups import HttpLookUps
from handoff_bot.ai.tool_servers import AllLookUps, McpTools, check_server
from handoff_bot.channels import CHANNELS, TWILIO, WEBCHAT, TwilioAccount, Webchat, Website
from handoff_bot.channels._twilio_checks import check_twilio
from handoff_bot.channels._twilio_conversation_checks import check_conversations
from handoff_bot.clock import SystemClock
from handoff_bot.connectors.checks import check_customers, check_webhook, check_zendesk
from handoff_bot.connectors.customers import CustomerSystem
from handoff_bot.connectors.webhook import WebhookConnector
from handoff_bot.connectors.zendesk import Account, ZendeskConnector
from handoff_bot.domain import report as words
from handoff_bot.domain.detection import DEFAULTS, Rules
from handoff_bot.domain.errors import DatabaseAway, EncryptionError, ModelError, SchemaError
from handoff_bot.domain.escalations import EscalationLimits
from handoff_bot.domain.evaluation import Expected
from handoff_bot.domain.language_models import Caps, Price
from handoff_bot.domain.metrics import Scope
from handoff_bot.domain.replies import CannedReply
from handoff_bot.domain.results import CheckResult, checked
from handoff_bot.domain.text import many
from handoff_bot.domain.tickets import TicketQuery
from handoff_bot.domain.web_requests import LOOPBACK, WebAddress
from handoff_bot.jobs.worker import Scheduler
from handoff_bot.mail.smtp import MailServer, Sender, SmtpMailer, check_mail
from handoff_bot.ports import (
    Backlog,
    Channel,
    Clock,
    Crawler,
    Eraser,
    ListedChannel,
    TicketConnector,
)
from handoff_bot.services.ai_turns.answering import TurnEvaluator
from handoff_bot.services.ai_turns.drafting import Feedback
from handoff_bot.services.ai_turns.evaluating import (
    Evaluation,
    RunLedger,
    RunWatch,
    Spent,
    most_calls,
)
from handoff_bot.services.ai_turns.inbound import INBOUND
from handoff_bot.services.ai_turns.language_model import (
    Ledger,
    ModelDoctor,
    ModelHealthPage,
    ModelPart,
    TranscriptionWatch,
    Watch,
)
from handoff_bot.services.ai_turns.look_ups import LookUpLedger
from handoff_bot.services.ai_turns.replaying import Export, Replay
from handoff_bot.services.container import MOST_THREADS, Dependencies, Services
from handoff_bot.services.delivery.inbound_files import LARGEST_UPLOAD
from handoff_bot.services.delivery.sending import STATUS_UPDATE
from handoff_bot.services.home import FirstSteps
from handoff_bot.services.operators import Backups, Jobs, MessageTraces
from handoff_bot.services.outbox.slack_channels import DeskChannels
from handoff_bot.services.privacy.exporting import Exporting
from handoff_bot.services.privacy.forgetting import Forgetting
from handoff_bot.services.privacy.retention import Retention
from handoff_bot.services.public_address import InstanceProof, SignedArrivals, SignedSource
from handoff_bot.services.replies.canned import CannedReplies
from handoff_bot.services.reporting.metrics import Metrics
from handoff_bot.services.settings import rule_lists
from handoff_bot.services.settings.preferences import Preferences
from handoff_bot.services.tickets import tickets
from handoff_bot.services.tickets.tickets import all_fitting
from handoff_bot.services.translation import translating
from handoff_bot.services.visitors import Visitors
from handoff_bot.serving import Server
from handoff_bot.settings import Settings, read_settings
from handoff_bot.slack.checks import check_slack
from handoff_bot.slack.client.web_client import BotToken
from handoff_bot.slack.features.doctor import EXAMINE
from handoff_bot.slack.incoming.app import SlackSide, build_slack
from handoff_bot.slack.incoming.arrivals import KIND as SLACK_EVENT
from handoff_bot.slack.limits import LIMITS
from handoff_bot.storage import resealing, tallies
from handoff_bot.storage.database import CONNECTIONS, Database, told_apart
from handoff_bot.storage.encryption import Keyring, new_key, read_keyring, write_new_key
from handoff_bot.storage.migrate import Plan, migrate, plan
from handoff_bot.storage.schema import HEAD
from handoff_bot.storage.single_instance import SingleInstanceLock
from handoff_bot.storage.transaction import Transaction
from handoff_bot.web.application import create_web, webhooks
from handoff_bot.web.chat import UPLOADS, chat
from handoff_bot.web.chat_stream import Streams, Watchers
from handoff_bot.web.files import AgentPhotos, files
from handoff_bot.web.health import Operators, health
from handoff_bot.web.prometheus import prometheus
from handoff_bot.web.public_address import check_public_address, instance_page

if TYPE_CHECKING:
    from handoff_bot.storage.listening import Listener

logger = logging.getLogger("handoff_bot.app")

ROLES = ("all", "web", "worker")
FROM_TWILIO = SignedSource(
    "Twilio",
    (INBOUND, STATUS_UPDATE),
    tuple(f"{lane}:{kind}:" for kind in TWILIO for lane in ("in", "news")),
    "write a message to one of your numbers",
)
FROM_SLACK = SignedSource(
    "Slack", (SLACK_EVENT, EXAMINE), ("slack:", "model:"), "enter /handoff doctor"
)
ONE_VISITOR = (
    "visitors can only reach {host} through a proxy or tunnel, so rate limits treat them "
    "all as one; set TRUSTED_PROXIES to the number of your proxies, usually 1"
)


@dataclass
class Handoff:
    """One process, built and not yet started."""

    web: Flask
    watchers: Watchers
    core: Services
    slack: SlackSide
    listener: Listener | None
    sole: SingleInstanceLock | None
    scheduler: BackgroundScheduler
    role: str
    exports: tuple[Callable[[], None], ...] = ()

    def start(self) -> None:
        """Starts what this role runs besides answering requests."""
        if self.role == "web":
            return
        if self.sole:
            self.core.worker.sole = self.sole.acquire()
        self.core.worker.start()
        self.core.catching_up.was_in_contact = self.core.worker.heartbeat.has_company_since
        self.core.catching_up.started()
        self.core.first_steps.started()
        if self.listener:
            self.listener.start()
        self.scheduler.start()
        self.slack.start()
        logger.info("started", extra={"role": self.role})

    def hang_up(self) -> None:
        """Ends all waiting streams and polls, and refuses new ones."""
        self.watchers.close()

    def stop(self) -> None:
        """Stops in order: no new work, then finishes running work."""
        self.watchers.close()
        self.slack.stop()
        if self.role != "web":
            if self.scheduler.running:  # the start may have failed before
                self.scheduler.shutdown()
            if self.listener:
                self.listener.stop()
            self.core.worker.stop()
        self.core.reacting.close()
        if self.sole:
            self.sole.release()
        self.core.database.close()
        logger.info("stopped", extra={"role": self.role})
        for stop in self.exports:
            stop()


@dataclass(frozen=True)
class Share:
    """What a workspace gets in a process that serves several (docs/several-workspaces.md).

    Attributes:
        detector: loaded once for all of them.
        token: of the bot, which may be exchanged or revoked; "" holds all jobs that call Slack.
        threads: at most so many for each queue of jobs.
        connections: to PostgreSQL.
    """

    detector: LocalDetector
    token: BotToken
    threads: int = 2
    connections: int = 4


def build(
    settings: Settings,
    role: str = "all",
    clock: Clock | None = None,
    *,
    share: Share | None = None,
) -> Handoff:
    """Builds one process from its settings without starting it. Uses the system's clock by default.

    Args:
        share: for one of several workspaces in a process.
    """
    clock = clock or SystemClock()
    exports = () if share else start_exports(settings)
    url = settings.DATABASE_URL.get_secret_value()
    database = _ready_database(settings, clock, share.connections if share else CONNECTIONS)
    over = over_twilio(settings)
    channels: dict[str, Channel] = {**over}
    backlogs: dict[str, Backlog] = {**over}
    erasers: dict[str, Eraser] = {**over}
    site = Webchat(website(settings)) if settings.webchat_origins else None
    if site:
        channels[WEBCHAT] = site
    watch, transcriptions = _watches(settings, database, clock)
    has_model = bool(settings.OPENAI_API_KEY.get_secret_value())
    servers = tool_servers(settings)
    http = HttpLookUps(settings.look_up_secrets, clock, allows_loopback=settings.LOOK_UP_LOOPBACK)
    fetcher = AllLookUps(http, servers)
    ai_services = build_ai(
        settings.KNOWLEDGE_DIR,
        api_key=settings.OPENAI_API_KEY.get_secret_value(),
        base_url=settings.OPENAI_BASE_URL,
        model=settings.OPENAI_MODEL,
        spending=Ledger(database, spending_caps(settings), clock),
        watch=watch,
        transcriptions=transcriptions,
        asking=asking(settings),
        look_ups=LookUpLedger(database, fetcher, clock),
        detector=share.detector if share else None,
    )
    slack = _slack(settings, share.token if share else None)
    core = Services.build(
        Dependencies(
            database=database,
            channels=channels,
            desk=slack.desk,
            detector=ai_services.detector,
            assistant=ai_services.assistant,
            translator=ai_services.translator,
            rewriter=ai_services.rewriter,
            file_reader=ai_services.file_reader,
            learner=ai_services.learner,
            library=FolderLibrary(settings.KNOWLEDGE_DIR),
            crawler=web_pages(settings),
            clock=clock,
            connectors=ticket_connectors(settings, clock),
            mailer=smtp(settings, clock) if settings.wants_mail else None,
            customers=customer_system(settings, clock),
            backlogs=backlogs,
            erasers=erasers,
            limits=LIMITS if settings.SLACK_LIMITS == "published" else {},
            base_url=settings.PUBLIC_BASE_URL.rstrip("/"),
            model=(
                ModelPart(watch, ai_services.probe, transcriptions) if ai_services.probe else None
            ),
            escalation_limits=escalation_limits(settings),
            look_up_secrets=tuple(settings.look_up_secrets),
            tool_servers=servers if has_model else None,
            tool_tokens={name: one.host for name, one in settings.look_up_tokens.items()},
            allows_loopback=settings.LOOK_UP_LOOPBACK,
            is_holding=settings.HOLD_OUTGOING,
            connected_checks=lambda: connected_checks(settings, database),
            is_cut_off=share is not None and not share.token.value,
            most_threads=share.threads if share else MOST_THREADS,
            has_own_knowledge=lambda: has_own_articles(
                settings.KNOWLEDGE_DIR, SystemClock().now().date()
            ),
        )
    )
    slack.attach(core)
    watchers = Watchers(database, WEBCHAT, settings.WEBCHAT_VISITORS)
    operators = Operators(settings.METRICS_TOKEN.get_secret_value())
    model_page = ModelHealthPage(database, clock, watch) if ai_services.probe else None
    streams = watchers.count if site and settings.processes == 1 else None
    routes = [
        webhooks(channels, core.inbox),
        files(core.serving),
        health(
            database,
            clock,
            model_page,
            operators,
            None if role == "web" else lambda: core.worker.heartbeat.id,
        ),
        prometheus(database, clock, operators, model_page, streams),
        instance_page(InstanceProof(database, clock)),
        slack.blueprint,
    ]
    if site:
        streaming = _streams(settings, Visitors(database, clock, WEBCHAT), watchers, slack)
        routes.append(chat(site, core.inbox, streaming, watchers, core.files, core.transcripts))
    return Handoff(
        web=create_web(routes, proxies=settings.TRUSTED_PROXIES),
        watchers=watchers,
        core=core,
        slack=slack,
        listener=None if settings.on_sqlite else _listener(url, core),
        sole=SingleInstanceLock(url) if settings.on_sqlite else None,
        scheduler=_scheduler(core.scheduler),
        role=role,
        exports=exports,
    )


def start_exports(settings: Settings) -> tuple[Callable[[], None], ...]:
    """Starts what tells other systems about this process; returns what stops each."""
    dsn = settings.SENTRY_DSN.get_secret_value()
    return tuple(filter(None, (tracing.start(os.environ), error_reports.start(dsn))))


def _streams(
    settings: Settings, visitors: Visitors, watchers: Watchers, slack: SlackSide
) -> Streams:
    secret = settings.WEBCHAT_SECRET.get_secret_value()
    photos = AgentPhotos(secret, lambda agent: slack.desk.photo(visitors.desk_id_of(agent)))
    return Streams(visitors, watchers, photos)


def _slack(settings: Settings, token: BotToken | None = None) -> SlackSide:
    return build_slack(
        bot_token=token or settings.SLACK_BOT_TOKEN.get_secret_value(),
        signing_secret=settings.SLACK_SIGNING_SECRET.get_secret_value(),
        app_token=settings.SLACK_APP_TOKEN.get_secret_value(),
        api_url=settings.SLACK_API_URL,
        queue_channel=settings.SLACK_QUEUE_CHANNEL,
    )


def _listener(url: str, core: Services) -> Listener:
    # Imported here, because PostgreSQL's driver takes 14 MB, which SQLite deployments should not
    # pay.
    from handoff_bot.storage.listening import Listener

    return Listener(url, core.worker.wake)


def twilio_account(settings: Settings) -> TwilioAccount:
    tokens = (settings.TWILIO_AUTH_TOKEN, settings.TWILIO_AUTH_TOKEN_NEXT)
    return TwilioAccount(
        account_sid=settings.TWILIO_ACCOUNT_SID,
        auth_tokens=tuple(t.get_secret_value() for t in tokens if t.get_secret_value()),
        api_key=settings.TWILIO_API_KEY,
        api_secret=settings.TWILIO_API_SECRET.get_secret_value(),
        senders={kind: settings.twilio_sender(kind) for kind in TWILIO},
        messaging_service_sid=settings.TWILIO_MESSAGING_SERVICE_SID,
        conversations_service_sid=settings.TWILIO_CONVERSATIONS_SERVICE_SID,
        conversations_identity=settings.TWILIO_CONVERSATIONS_IDENTITY,
        api_url=settings.TWILIO_API_URL,
        public_base_url=settings.PUBLIC_BASE_URL.rstrip("/"),
    )


def over_twilio(settings: Settings) -> dict[str, ListedChannel]:
    """Returns Twilio's channels; none without an account."""
    if not settings.wants_twilio:
        return {}
    account = twilio_account(settings)
    return {kind: make(account) for kind, make in TWILIO.items()}


def webhook_connector(settings: Settings, clock: Clock) -> WebhookConnector:
    secrets = (settings.TICKET_WEBHOOK_SECRET, settings.TICKET_WEBHOOK_SECRET_NEXT)
    given = [secret.get_secret_value() for secret in secrets if secret.get_secret_value()]
    return WebhookConnector(settings.TICKET_WEBHOOK_URL, given, clock)


def customer_system(settings: Settings, clock: Clock) -> CustomerSystem | None:
    if not settings.CUSTOMER_LOOKUP_URL:
        return None
    secret = settings.CUSTOMER_LOOKUP_SECRET.get_secret_value()
    return CustomerSystem(settings.CUSTOMER_LOOKUP_URL, secret, clock)


def zendesk_connector(settings: Settings, clock: Clock) -> ZendeskConnector:
    token = settings.ZENDESK_TOKEN.get_secret_value()
    return ZendeskConnector(Account(settings.ZENDESK_URL, settings.ZENDESK_EMAIL, token), clock)


def ticket_connectors(settings: Settings, clock: Clock) -> dict[str, TicketConnector]:
    connectors: dict[str, TicketConnector] = {}
    if settings.TICKET_WEBHOOK_URL:
        connectors["webhook"] = webhook_connector(settings, clock)
    if settings.ZENDESK_URL:
        connectors["zendesk"] = zendesk_connector(settings, clock)
    return connectors


def smtp(settings: Settings, clock: Clock) -> SmtpMailer:
    server = MailServer.of(settings.SMTP_URL.get_secret_value())
    return SmtpMailer(server, Sender.of(settings.MAIL_FROM), clock)


def tool_servers(settings: Settings) -> McpTools:
    return McpTools(settings.look_up_tokens, allows_loopback=settings.LOOK_UP_LOOPBACK)


def web_pages(settings: Settings) -> Crawler | None:
    """Returns what reads the listed web pages; None if there are none."""
    if not settings.knowledge_urls:
        return None
    from handoff_bot.ai.assistant.web_pages import WebPages

    return WebPages(settings.KNOWLEDGE_DIR, settings.knowledge_urls)


def spending_caps(settings: Settings) -> Caps:
    price = settings.model_price or Price(0, 0)
    return Caps(
        input_price=price.input,
        output_price=price.output,
        cached_price=price.cached,
        minute_price=settings.minute_price or 0.0,
        daily=settings.OPENAI_DAILY_CAP,
        daily_each=settings.OPENAI_CONTACT_CAP,
    )


def _watches(
    settings: Settings, database: Database, clock: Clock
) -> tuple[Watch, TranscriptionWatch]:
    return (
        Watch(database, clock, settings.OPENAI_MODEL),
        TranscriptionWatch(database, clock, settings.OPENAI_TRANSCRIBE_MODEL),
    )


def asking(settings: Settings) -> Asking:
    return Asking(
        judge_effort=settings.OPENAI_JUDGE_EFFORT,
        answer_effort=settings.OPENAI_ANSWER_EFFORT,
        judge_seconds=settings.OPENAI_JUDGE_SECONDS,
        answer_seconds=settings.OPENAI_ANSWER_SECONDS,
        query_seconds=settings.OPENAI_QUERY_SECONDS,
        tokens=settings.OPENAI_MAX_TOKENS,
        transcriber=settings.OPENAI_TRANSCRIBE_MODEL,
        transcribe_seconds=settings.OPENAI_TRANSCRIBE_SECONDS,
    )


def escalation_limits(settings: Settings) -> EscalationLimits:
    usual = EscalationLimits()
    return replace(
        usual,
        network=replace(usual.network, most=settings.WEBCHAT_ESCALATIONS_PER_ADDRESS),
        strangers=replace(usual.strangers, most=settings.WEBCHAT_ESCALATIONS),
    )


def website(settings: Settings) -> Website:
    return Website(
        origins=settings.webchat_origins,
        secret=settings.WEBCHAT_SECRET.get_secret_value(),
        identity_secret=settings.WEBCHAT_IDENTITY_SECRET.get_secret_value(),
    )


def servable(settings: Settings) -> Settings:
    """Returns the settings if customers may be served with them.

    Raises:
        SettingsError: the articles are the sample shop's, and SAMPLE_KNOWLEDGE is not set.
    """
    if not settings.SAMPLE_KNOWLEDGE:
        refuse_samples(settings.KNOWLEDGE_DIR, SystemClock().now().date())
    return settings


def migrate_first(settings: Settings) -> None:
    """Migrates before any process is forked: the server ends a process that is not up in a minute, and
    the exit code tells the supervisor not to restart.

    Raises:
        SchemaError: see `migrate`.
    """
    database = Database(settings.DATABASE_URL.get_secret_value())
    try:
        with told_apart():
            migrate(database)
    except DatabaseAway as error:  # each process waits for it
        logger.warning("database does not respond yet", extra={"why": str(error)})
    finally:
        database.close()


def refuse_lacking_keys(settings: Settings) -> None:
    """Looks before any process is forked, as `migrate_first` does.

    Raises:
        EncryptionError: the key file is wrong, or lacks a key of the database.
    """
    database = _database(settings)
    try:
        with database.read() as tx:
            resealing.check_keys(tx, database.keyring)
    except DatabaseAway as error:  # each process waits for it
        logger.warning("database does not respond yet", extra={"why": str(error)})
    finally:
        database.close()


KEY_WRITTEN = (
    "{file}: key {key}. Keep a copy of the file apart from backups: without it, no encrypted text can "
    "be read."
)
SECRET_FOLDERS = (Path("/run/secrets"),)
"""Of Docker's secrets, which only the container has. systemd names its folder of credentials."""


def keyring(settings: Settings) -> Keyring | None:
    """Returns the keys that encrypt what is stored; None without ENCRYPTION_KEY_FILE.

    Raises:
        EncryptionError: the file is missing, readable by others, or holds no keys.
    """
    if not settings.ENCRYPTION_KEY_FILE:
        return None
    given = os.environ.get("CREDENTIALS_DIRECTORY", "")
    guarded = (*SECRET_FOLDERS, Path(given)) if given else SECRET_FOLDERS
    return read_keyring(Path(settings.ENCRYPTION_KEY_FILE), guarded)


def _ready_database(settings: Settings, clock: Clock, connections: int) -> Database:
    """Returns the migrated database of a bot, whose values the first key seals from now on."""
    database = Database(
        settings.DATABASE_URL.get_secret_value(),
        synchronous=settings.SQLITE_SYNCHRONOUS,
        pool_size=connections,
        keyring=keyring(settings),
    )
    migrate(database)
    if database.keyring:
        with database.write() as tx:
            resealing.use_keys(tx, database.keyring, clock.now())
    else:
        with database.read() as tx:
            resealing.check_keys(tx, None)
    return database


def make_key(file: Path | None) -> str:
    """Returns a new key; or writes it to a new file, and returns what to tell.

    Raises:
        EncryptionError: the file exists, or cannot be written.
    """
    if file is None:
        return new_key()
    return KEY_WRITTEN.format(file=file, key=write_new_key(file))


def _database(settings: Settings) -> Database:
    return Database(settings.DATABASE_URL.get_secret_value(), keyring=keyring(settings))


def server(settings: Settings, role: str = "all", clock: Clock | None = None) -> Server:
    """Returns the server of this role, not yet running."""
    return Server(
        lambda: build(settings, role, clock),
        host=settings.HOST,
        port=settings.PORT,
        processes=settings.processes,
        threads=settings.WEB_THREADS,
        listeners=settings.WEBCHAT_VISITORS if settings.webchat_origins else 0,
        proxies=settings.TRUSTED_PROXIES,
        bodies={UPLOADS: LARGEST_UPLOAD} if settings.webchat_origins else {},
    )


def live_rules(settings: Settings) -> Rules:
    """Returns the admins' rules for an evaluation: as if the AI were not paused, without look-ups."""
    database = open_database(settings)
    try:
        with database.read() as tx:
            return replace(rule_lists.detection_rules(tx), paused=False, look_ups=())
    finally:
        database.close()


def evaluation_calls(settings: Settings, questions: Sequence[Expected]) -> int:
    """Returns how many calls of the language model the questions need at most, without retries."""
    return most_calls(questions, rewrites=settings.OPENAI_QUERY_SECONDS > 0)


@contextmanager
def evaluation(
    settings: Settings, *, rules: Rules = DEFAULTS, seconds: float = 1800.0, most: int = 0
) -> Iterator[Evaluation]:
    """Yields what asks the assistant questions, without a database.

    Args:
        seconds: of the whole run.
        most: calls of the language model; 0 for the assistant without a key.
    """
    spent = Spent(RunLedger(spending_caps(settings), most), RunWatch()) if most else None
    ai_services = build_ai(
        settings.KNOWLEDGE_DIR,
        api_key=settings.OPENAI_API_KEY.get_secret_value() if spent else "",
        base_url=settings.OPENAI_BASE_URL,
        model=settings.OPENAI_MODEL,
        spending=spent.ledger if spent else None,
        watch=spent.watch if spent else None,
        asking=asking(settings),
    )
    detector = LocalDetector.load() if spent else ai_services.detector
    evaluator = TurnEvaluator(detector, ai_services.assistant)
    try:
        yield Evaluation(evaluator, rules=rules, seconds=seconds, spent=spent)
    finally:
        evaluator.close()


@contextmanager
def replay(
    settings: Settings, *, rules: Rules = DEFAULTS, seconds: float = 3600.0
) -> Iterator[Replay]:
    """Yields what replays past conversations on this machine, without a database."""
    ai_services = build_ai(settings.KNOWLEDGE_DIR)
    evaluator = TurnEvaluator(ai_services.detector, ai_services.assistant)
    try:
        yield Replay(evaluator, rules=rules, seconds=seconds)
    finally:
        evaluator.close()


def past_chats(path: Path) -> Export:
    """Returns an export of past conversations.

    Raises:
        ExportError: its format is unknown, or the file cannot be read.
    """
    return Export(path)


def tune(settings: Settings, *, apply: bool, retrain: bool) -> Iterator[str]:
    """Yields the suggestions from agents' feedback, line by line; applies them on request."""
    database, clock = open_database(settings), SystemClock()
    try:
        feedback, detector = Feedback(database, clock), LocalDetector.load()
        lessons, live = feedback.lessons(), feedback.rules()
        yield f"{'signal':<12}{'said':>5}{'needless':>10}{'missed':>8}{'threshold':>11}   suggestion"
        advice = list(advise(detector, lessons, live))
        for one in advice:
            yield _advice_line(one, live.tuning.shifts.get(one.signal, 0.0))
        if apply:
            shifts = {one.signal.value: one.shift for one in advice if one.shift}
            feedback.learn("shifts", shifts, clock.now())
            yield "The suggested thresholds are now in effect."
        if retrain:
            taught = retrained(detector, lessons)
            layers = {signal.value: list(layer) for signal, layer in taught.items()}
            feedback.learn("last_layer", layers, clock.now())
            yield f"Taught: {', '.join(layers) or 'nothing, too little feedback'}."
    finally:
        database.close()


def _advice_line(one: Advice, present: float) -> str:
    line = (
        f"{one.signal:<12}{one.said:>5}{one.needless:>10}{one.missed:>8}{one.threshold:>11.3f}   "
    )
    if one.said < FEWEST:
        return f"{line}nothing yet: too little feedback from agents"
    if one.shift == present:
        return f"{line}keep"
    way = "higher" if one.shift > present else "lower"
    then = f"needless {one.needless_then}, missed {one.missed_then}"
    return f"{line}{way}, by {abs(one.shift - present):.1f} in log-odds: {then}"


def canned_replies(settings: Settings) -> list[CannedReply]:
    database = open_database(settings)
    try:
        return CannedReplies(database, SystemClock()).every()
    finally:
        database.close()


def export_tickets(settings: Settings, form: str, query: TicketQuery) -> Iterator[str]:
    """Yields matching tickets as a file ("csv" or "json"), line by line."""
    database = open_database(settings)
    try:
        yield from tickets.export_lines(tickets.Format(form), all_fitting(database, query))
    finally:
        database.close()


def take_canned_replies(settings: Settings, replies: Sequence[CannedReply]) -> list[str]:
    """Imports these canned replies; returns errors line by line."""
    database = open_database(settings)
    try:
        return CannedReplies(database, SystemClock()).take_in(replies, "import")
    finally:
        database.close()


def upgrade_database(settings: Settings, *, dry_run: bool = False) -> Iterator[str]:
    """Yields what a migration does, line by line, and migrates unless it is a dry run.

    Raises:
        SchemaError: see `migrate`.
    """
    database = Database(settings.DATABASE_URL.get_secret_value())
    try:
        with told_apart():
            found = plan(database)
            yield from _planned(found)
            if found.steps and not dry_run:
                migrate(database)
                yield f"Migrated to schema {HEAD}."
    finally:
        database.close()


def _planned(found: Plan) -> Iterator[str]:
    if not found.steps:
        yield f"Nothing to do: the database has schema {found.found}, this program knows {HEAD}."
        return
    yield f"From schema {found.found or 'none'} to {HEAD}:"
    for step in found.steps:
        how = "builds an index while messages are stored" if step.concurrent else "only adds"
        if step.oldest:
            how = f"stops programs older than schema {step.oldest}"
        yield f"  {step.revision}  {step.what} ({how})"
    if found.running:
        yield f"Other programs are connected, which know schemas up to: {', '.join(found.running)}."


def backups(settings: Settings) -> Backups:
    """Returns the database's backups; the database may be missing."""
    return Backups(settings.DATABASE_URL.get_secret_value(), SystemClock())


@contextmanager
def message_traces(settings: Settings) -> Iterator[MessageTraces]:
    """Yields what happened to messages; its database is open meanwhile."""
    database = open_database(settings)
    try:
        yield MessageTraces(database)
    finally:
        database.close()


@contextmanager
def given_up_jobs(settings: Settings) -> Iterator[Jobs]:
    """Yields the failed jobs, open while an operator uses them."""
    database = open_database(settings)
    try:
        yield Jobs(database, SystemClock())
    finally:
        database.close()


@contextmanager
def forgetting(settings: Settings) -> Iterator[Forgetting]:
    """Yields what forgets contacts, open while an operator uses it."""
    database = open_database(settings)
    try:
        yield Forgetting(database, SystemClock())
    finally:
        database.close()


@contextmanager
def retention(settings: Settings) -> Iterator[Retention]:
    """Yields the retention rules, open while an operator uses them."""
    database, clock = open_database(settings), SystemClock()
    try:
        yield Retention(database, Preferences(database, clock), clock, CHANNELS)
    finally:
        database.close()


@contextmanager
def exporting(settings: Settings) -> Iterator[tuple[Forgetting, Exporting]]:
    """Yields what finds and exports contacts, open while an operator uses it."""
    database, clock = open_database(settings), SystemClock()
    try:
        yield Forgetting(database, clock), Exporting(database, clock, over_twilio(settings))
    finally:
        database.close()


def spent(settings: Settings) -> Iterator[str]:
    """Yields the language model's costs of the last days, line by line."""
    database = open_database(settings)
    try:
        with database.read() as tx:
            days = tallies.spent_by_day(tx, 31)
        yield f"{'day':<12}{'calls':>8}{'tokens in':>12}{'tokens out':>12}{'cost':>12}"
        for day in days:
            cost = day.micros / 1_000_000
            counts = f"{day.calls:>8}{day.input_tokens:>12}{day.output_tokens:>12}"
            yield f"{day.day:<12}{counts}{cost:>12.4f}"
    finally:
        database.close()


def report(
    settings: Settings, *, days: int, channel: str, as_json: bool, chart: str
) -> Iterator[str]:
    """Yields the metrics of the last days as lines or JSON; writes the picture to the file `chart`."""
    database = open_database(settings)
    try:
        metrics = Metrics(database, SystemClock())
        scope = Scope(metrics.last_days(days, metrics.timezone()), channel)
        numbers = metrics.numbers(scope)
    finally:
        database.close()
    title = words.title(scope)
    if chart:
        Path(chart).write_bytes(charts.draw(numbers, title, scope.period.unit))
    if as_json:
        yield json.dumps(words.data(numbers, title), indent=2)
        return
    yield from words.lines(numbers, title)


def open_database(settings: Settings) -> Database:
    """Returns the migrated database; close it when done.

    Raises:
        EncryptionError: ENCRYPTION_KEY_FILE is wrong, or lacks a key of the database.
    """
    database = _database(settings)
    try:
        migrate(database)
        with database.read() as tx:
            resealing.check_keys(tx, database.keyring)
    except Exception:
        database.close()
        raise
    return database


NO_KEY_FILE = "ENCRYPTION_KEY_FILE is not set. Write a key with: handoff keys new FILE"


def encrypt(
    settings: Settings, told: Callable[[str, int], None], *, offline: bool
) -> Iterator[CheckResult]:
    """Encrypts what is stored with the first key; see `resealing.encrypt`."""
    database = open_database(settings)
    try:
        if database.keyring is None:
            raise EncryptionError(NO_KEY_FILE)
        now = SystemClock().now()
        done = resealing.encrypt(database, database.keyring, now, told, offline=offline)
        yield from _resealed(database, done, "encrypted")
    finally:
        database.close()


def decrypt(settings: Settings, told: Callable[[str, int], None]) -> Iterator[CheckResult]:
    """Makes everything plain again; see `resealing.decrypt`."""
    database = open_database(settings)
    try:
        if database.keyring is None:
            raise EncryptionError(NO_KEY_FILE)
        done = resealing.decrypt(database, database.keyring, SystemClock().now(), told)
        yield from _resealed(database, done, "decrypted")
        yield CheckResult("next", True, "remove ENCRYPTION_KEY_FILE before you start the bot")
    finally:
        database.close()


STILL_WRITTEN = (
    "another process meanwhile wrote more to change; restart it with this ENCRYPTION_KEY_FILE, then run "
    "the command again"
)
OLDER_COPIES = "backups made before still hold the texts as they were"
REST = {
    True: f"the log was emptied, and deleted content is overwritten; {OLDER_COPIES}",
    False: (
        "to remove earlier versions of rows from the server's files, run VACUUM FULL at a quiet hour; "
        f"archived WAL and {OLDER_COPIES}"
    ),
}
"""Is it SQLite -> what remains of earlier versions."""


def _resealed(database: Database, done: resealing.Resealed, what: str) -> Iterator[CheckResult]:
    counts = ", ".join(f"{many(number, 'row')} of {name}" for name, number in done.changed.items())
    yield CheckResult(what, True, counts or "nothing was left to do")
    if done.skipped:
        words = f"{many(done.skipped, 'row')} in use; run the command again"
        yield CheckResult("skipped", False, words)
    elif not done.is_settled:
        yield CheckResult("written", False, STILL_WRITTEN)
    for name, number in done.unreadable.items():
        words = f"{many(number, 'value')} cannot be decrypted and stay as they are"
        yield CheckResult(name, False, words)
    if not database.purge():
        words = "SQLite's log could not be emptied, because the bot is busy; run the command again"
        yield CheckResult("remains", False, words)
        return
    yield CheckResult("remains", True, REST[database.is_sqlite])


LEAST_FREE = 512 * 1024**2
"""Bytes; below, SQLite's file and its log may soon have no room."""


def check_disk(url: str) -> CheckResult:
    """Checks the room for a SQLite database."""
    folder = Path(make_url(url).database or "").resolve().parent
    free = shutil.disk_usage(folder).free
    words = f"{free / 1024**3:.1f} GB free in {folder}"
    if free < LEAST_FREE:
        return CheckResult("disk", False, f"{words}; make room, or messages will be refused")
    return CheckResult("disk", True, words)


PUBLIC_SECONDS = 30.0
"""Deadline of the check of the public address, whose name look-up has none of its own."""


def checks(settings: Settings, *, is_up: bool = False) -> Iterator[CheckResult]:
    """Yields the doctor's health checks; with `is_up`, also whether the public address reaches the bot."""
    yield from checked("database", lambda: _check_database(settings))
    try:
        build_ai(settings.KNOWLEDGE_DIR)
    except ModelError as error:
        yield CheckResult("local detector", False, str(error))
    else:
        yield CheckResult("local detector", True, "loaded")
    yield from checked("language model", lambda: _check_model(settings))
    yield from checked("Slack", lambda: _check_slack(settings))
    try:
        database = open_database(settings)
    except Exception:  # any error is already reported
        yield from connected_checks(settings, None, is_up=is_up)
        return
    try:
        yield from connected_checks(settings, database, is_up=is_up)
    finally:
        database.close()


def connected_checks(
    settings: Settings, database: Database | None, *, is_up: bool = True
) -> Iterator[CheckResult]:
    """Yields the health checks that Slack's doctor shares with the command line's.

    Args:
        database: None if it cannot be used.
        is_up: whether the bot runs, so that its public address must answer.
    """
    for part, check in _connected(settings, database, is_up=is_up):
        yield from checked(part, check)


Part = tuple[str, Callable[[], Iterable[CheckResult]]]


def _connected(settings: Settings, database: Database | None, *, is_up: bool) -> Iterator[Part]:
    clock = SystemClock()
    if is_up and settings.PUBLIC_BASE_URL and not settings.TWILIO_API_URL:  # not a stand-in's
        yield "public address", lambda: _check_public_address(settings, database, clock)
    if database:
        yield "requests from outside", lambda: _check_arrivals(settings, database, clock)
    if settings.on_sqlite and database:
        yield "disk", lambda: [check_disk(settings.DATABASE_URL.get_secret_value())]
    today, may_be_sample = clock.now().date(), settings.SAMPLE_KNOWLEDGE
    yield (
        "knowledge",
        lambda: [check_knowledge(settings.KNOWLEDGE_DIR, today, may_be_sample=may_be_sample)],
    )
    if database and settings.OPENAI_API_KEY.get_secret_value():
        yield "MCP servers", lambda: _check_servers(settings, database)
    if settings.wants_twilio:
        account = twilio_account(settings)
        yield "Twilio", lambda: check_twilio(account, clock.now())
        yield "Twilio: Conversations", lambda: check_conversations(account)
    if settings.webchat_origins:
        yield "website chat", lambda: [check_website(settings)]
    yield from _peers(settings)
    yield "tracing", lambda: tracing.check(os.environ)
    yield "error reports", lambda: error_reports.check(settings.SENTRY_DSN.get_secret_value())


def _check_public_address(
    settings: Settings, database: Database | None, clock: Clock
) -> Iterator[CheckResult]:
    proof = InstanceProof(database, clock) if database else None
    base_url = settings.PUBLIC_BASE_URL
    try:
        yield from within(
            PUBLIC_SECONDS, lambda: list(check_public_address(base_url, proof, clock.now()))
        )
    except TimeoutError:
        words = f"{base_url}: no answer in time; check DNS and the proxy"
        yield CheckResult("public address", False, words)


def _check_arrivals(settings: Settings, database: Database, clock: Clock) -> Iterator[CheckResult]:
    """Tells what proves, from outside, that the addresses set at Twilio and Slack lead here."""
    arrivals = SignedArrivals(database, clock)
    if settings.wants_twilio:
        yield arrivals.check(FROM_TWILIO)
    if not settings.SLACK_APP_TOKEN.get_secret_value():  # Socket Mode needs no address
        yield arrivals.check(FROM_SLACK)


def _check_database(settings: Settings) -> Iterator[CheckResult]:
    try:
        database = open_database(settings)
        with database.read() as tx:
            translation = translating.check_result(
                tx, has_model=bool(settings.OPENAI_API_KEY.get_secret_value())
            )
            encryption = check_encryption(tx)
        database.close()
    except SchemaError as error:
        yield CheckResult("database", False, str(error))
    except EncryptionError as error:
        yield CheckResult("encryption", False, str(error))
    except Exception as error:  # every error is reported by the doctor
        yield CheckResult("database", False, f"cannot be used ({type(error).__name__})")
    else:
        yield CheckResult("database", True, "reachable, schema up to date")
        yield encryption
        yield translation


def check_encryption(tx: Transaction) -> CheckResult:
    """Checks whether texts and files are encrypted; shows key ids only."""
    if tx.keyring is None:
        return CheckResult("encryption", True, "off; texts and files are stored plain")
    key, *others = tx.keyring.ids
    shown = f"on, with key {key}"
    if others:
        shown += f"; also decrypts with {', '.join(others)}"
    left = resealing.remaining(tx, tx.keyring)
    if not left.rows:
        return CheckResult("encryption", True, f"{shown}; no text or file is plain")
    rows = many(left.rows, "row")
    at_least = "" if left.is_whole else "at least "
    words = f"{shown}; {at_least}{rows} not encrypted with it. Run: handoff db encrypt"
    return CheckResult("encryption", False, words)


def check_website(settings: Settings) -> CheckResult:
    """Checks that visitors can be told apart: a loopback listener is only reached through a proxy."""
    is_local = settings.HOST in LOOPBACK
    origins = [WebAddress.parse(one).origin for one in settings.webchat_origins]
    if is_local and not (settings.TRUSTED_PROXIES or all(one.is_loopback for one in origins)):
        return CheckResult("website chat", False, ONE_VISITOR.format(host=settings.HOST))
    return CheckResult("website chat", True, f"available on {', '.join(settings.webchat_origins)}")


def _check_slack(settings: Settings) -> Iterator[CheckResult]:
    """Checks Slack, and whether a new escalation would notify an agent."""
    token = settings.SLACK_BOT_TOKEN.get_secret_value()
    try:
        database = open_database(settings)
    except Exception:  # any error is already reported
        yield from check_slack(token, settings.SLACK_API_URL, settings.SLACK_QUEUE_CHANNEL)
        return
    clock = SystemClock()
    desk = _slack(settings).desk
    desk.chosen_channel = DeskChannels(database, clock).queue
    try:
        yield from check_slack(token, settings.SLACK_API_URL, desk.queue_channel)
        steps = FirstSteps(
            database, desk, clock, Preferences(database, clock), {}, has_mail=settings.wants_mail
        )
        yield steps.notified()
        yield steps.alarmed()
    finally:
        database.close()


def _check_model(settings: Settings) -> Iterator[CheckResult]:
    """Sends one real request, which is counted."""
    key = settings.OPENAI_API_KEY.get_secret_value()
    if not key:
        return
    clock = SystemClock()
    try:
        database = open_database(settings)
    except Exception:  # any error is already reported, and without a ledger nothing is requested
        return
    watch, transcriptions = _watches(settings, database, clock)
    try:
        model = build_model(
            api_key=key,
            base_url=settings.OPENAI_BASE_URL,
            model=settings.OPENAI_MODEL,
            spending=Ledger(database, spending_caps(settings), clock),
            watch=watch,
            asking=asking(settings),
        )
        part = ModelPart(watch, build_probe(model, asking(settings)), transcriptions)
        yield from ModelDoctor(part, database, clock).checks()
    finally:
        database.close()
    if settings.model_price is None:
        prices = "OPENAI_INPUT_PRICE and OPENAI_OUTPUT_PRICE"
        words = f"unknown, so spending is counted in tokens only; set {prices}"
        yield CheckResult("language model: price", True, words)


def _check_servers(settings: Settings, database: Database) -> Iterator[CheckResult]:
    """Asks the MCP servers with tools that the AI may call."""
    with database.read() as tx:
        found = rule_lists.read(tx, rule_lists.MCP_SERVERS, rule_lists.MCP_SERVER)
    for one in found:
        if one.tools:
            yield check_server(tool_servers(settings), one)


def _peers(settings: Settings) -> Iterator[Part]:
    clock = SystemClock()
    if settings.TICKET_WEBHOOK_URL:
        yield "ticket webhook", lambda: check_webhook(webhook_connector(settings, clock))
    if system := customer_system(settings, clock):
        yield "customer look-up", lambda: check_customers(system)
    if settings.ZENDESK_URL:
        yield "Zendesk", lambda: check_zendesk(zendesk_connector(settings, clock))
    if settings.wants_mail:
        yield "mail", lambda: check_mail(smtp(settings, clock))


def _scheduler(ticks: Scheduler) -> BackgroundScheduler:
    # However late: a process that was frozen must not skip an hour's tick.
    late = {"misfire_grace_time": None, "coalesce": True}
    scheduler = BackgroundScheduler(timezone="UTC", daemon=True, job_defaults=late)
    for kind, every in ticks.every.items():
        seconds = every.total_seconds()
        scheduler.add_job(ticks.tick, "interval", [kind], seconds=seconds)
    return scheduler


def __getattr__(name: str) -> Any:
    """`app:app` for your own WSGI server: built and started on first use (so: without preloading)."""
    if name != "app":
        raise AttributeError(name)
    settings = servable(read_settings())
    logs.set_up(settings.LOG_LEVEL)
    handoff = build(settings, os.environ.get("HANDOFF_ROLE", "all"))
    handoff.start()
    globals()["app"] = handoff.web
    return handoff.web


if __name__ == "__main__":
    from handoff_bot.cli import main

    main(["run"])
