"""Deployment settings: typed, documented per field, secrets also from NAME_FILE, all problems
reported at once.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable, Collection, Mapping, MutableMapping
from email.utils import parseaddr
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from handoff_bot.domain.errors import Malformed, SettingsError
from handoff_bot.domain.language_models import KNOWN_MINUTES, Price, known_price
from handoff_bot.domain.look_ups import Token
from handoff_bot.domain.web_requests import WebAddress, is_for_keys

NOTHING = SecretStr("")
SAMPLE_FOLDER = Path(__file__).with_name("knowledge")
"""Articles of a fictional shop, which the sandbox answers from."""
ENV_FILE = Path(".env")
SHORTEST_SECRET = 32
"""Minimum characters of a signing secret; a shorter one can be guessed."""
MAKE_ONE = f"at least {SHORTEST_SECRET} random characters, e.g. from `openssl rand -hex 32`"
MAIL_SCHEMES = ("smtp", "smtps", "smtp+insecure")
_SECRET_NAME = re.compile(r"[a-z0-9_-]{1,40}")
_HOST, _TOKEN = re.compile(r"[A-Za-z0-9.-]{1,253}"), re.compile(r"[!-~]{8,4096}")
_ADDRESS = re.compile(r"[^@\s,;:<>()]+@[^@\s]+")
Effort = Literal["default", "none", "minimal", "low", "medium", "high", "xhigh", "max"]
DATABASES = ("sqlite:///", "postgresql://", "postgresql+psycopg://", "postgres://")


class Settings(BaseModel):
    """Settings from the environment. Live settings are stored and changed from Slack."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    DATABASE_URL: SecretStr = Field(
        SecretStr("sqlite:///handoff.db"), description="SQLite or PostgreSQL URL."
    )
    SQLITE_SYNCHRONOUS: Literal["full", "normal"] = Field(
        "full", description="`full` survives power loss, `normal` only kill -9, but is faster."
    )
    ENCRYPTION_KEY_FILE: str = Field(
        "",
        description=(
            "File of keys that encrypt texts and files in the database, and Slack's tokens of "
            "installed workspaces; without it, texts and files are plain. Needs "
            "`handoff-bot[encryption]`."
        ),
    )
    HOST: str = Field("127.0.0.1", description="Address to listen on.")
    PORT: int = Field(3000, ge=0, le=65535, description="Port to listen on.")
    WEB_CONCURRENCY: int = Field(
        1, ge=1, description="Number of processes (PostgreSQL only; SQLite always runs one)."
    )
    WEB_THREADS: int = Field(32, ge=2, description="Request threads per process.")
    PUBLIC_BASE_URL: str = Field(
        "", description="Public https URL that Twilio calls; signatures depend on it."
    )
    SLACK_BOT_TOKEN: SecretStr = Field(NOTHING, description="Bot token, `xoxb-…`.")
    SLACK_SIGNING_SECRET: SecretStr = Field(
        NOTHING, description="Signing secret of the Slack app (not needed in Socket Mode)."
    )
    SLACK_APP_TOKEN: SecretStr = Field(
        NOTHING, description="App token, `xapp-…`; when set, Handoff uses Socket Mode."
    )
    SLACK_API_URL: str = Field(
        "https://slack.com/api/", description="Base URL of the Slack Web API."
    )
    SLACK_QUEUE_CHANNEL: str = Field(
        "",
        description=(
            "ID of the queue channel in Slack, `C…`; the bot must be a member. Leave empty to choose "
            "it in Slack."
        ),
    )
    SLACK_LIMITS: Literal["published", "none"] = Field(
        "published",
        description="`published` respects Slack's rate limits; `none` is for testing.",
    )
    SLACK_CLIENT_ID: str = Field(
        "", description="Client ID of the Slack app, to install it in several workspaces."
    )
    SLACK_CLIENT_SECRET: SecretStr = Field(
        NOTHING, description="Client secret of the Slack app, with `SLACK_CLIENT_ID`."
    )
    SLACK_TEAM_ID: str = Field(
        "",
        description="ID of a Slack workspace, `T…`, or of an organisation, `E…`. Only in the settings of "
        "one of several workspaces.",
    )
    WORKSPACES_DIR: str = Field(
        "",
        description="Folder with a folder for each of several workspaces; see "
        "docs/several-workspaces.md.",
    )
    WORKSPACES_MOST: int = Field(
        50, ge=1, le=1000, description="Maximum number of workspaces that a process serves."
    )
    TWILIO_ACCOUNT_SID: str = Field("", description="Account SID, `AC…`.")
    TWILIO_AUTH_TOKEN: SecretStr = Field(
        NOTHING, description="Auth token; verifies webhook signatures."
    )
    TWILIO_AUTH_TOKEN_NEXT: SecretStr = Field(
        NOTHING,
        description="Secondary auth token during rotation; signatures by either are accepted.",
    )
    TWILIO_API_KEY: str = Field("", description="API key SID, `SK…`, for sending (recommended).")
    TWILIO_API_SECRET: SecretStr = Field(NOTHING, description="Secret of the API key.")
    TWILIO_SMS_FROM: str = Field("", description="Sender number for SMS, `+15551234567`.")
    TWILIO_WHATSAPP_FROM: str = Field(
        "", description="WhatsApp sender, `whatsapp:+15551234567` (the prefix is optional)."
    )
    TWILIO_MESSAGING_SERVICE_SID: str = Field(
        "", description="Messaging Service, `MG…`, instead of a number for SMS."
    )
    TWILIO_CONVERSATIONS_SERVICE_SID: str = Field(
        "",
        description="Conversations service, `IS…`, used when a webhook does not name a service.",
    )
    TWILIO_CONVERSATIONS_IDENTITY: str = Field(
        "handoff",
        description=(
            "Author of Handoff's messages in Twilio Conversations; must not be another "
            "participant's identity."
        ),
    )
    TWILIO_API_URL: str = Field(
        "", description="Overrides the base URL of all Twilio APIs (for testing)."
    )
    WEBCHAT_ORIGINS: str = Field(
        "",
        description=(
            "Websites that may show the chat, e.g. `https://shop.example.com`; separate with "
            "spaces."
        ),
    )
    WEBCHAT_SECRET: SecretStr = Field(
        NOTHING, description="Secret that signs visitor sessions: at least 32 random characters."
    )
    WEBCHAT_IDENTITY_SECRET: SecretStr = Field(
        NOTHING,
        description="Secret shared with your website, which signs customer identities with it: at "
        "least 32 random characters.",
    )
    WEBCHAT_ESCALATIONS: int = Field(
        40,
        ge=1,
        description="Escalations per ten minutes for all anonymous visitors together; further ones "
        "wait.",
    )
    WEBCHAT_ESCALATIONS_PER_ADDRESS: int = Field(
        5,
        ge=1,
        description="Escalations per ten minutes for anonymous visitors from one address (IPv6: one "
        "/64); further ones wait.",
    )
    WEBCHAT_VISITORS: int = Field(
        1000,
        ge=1,
        description="Maximum number of visitors per process with an open stream or long poll.",
    )
    TRUSTED_PROXIES: int = Field(
        0,
        ge=0,
        description="Number of reverse proxies in front; their `X-Forwarded-For` is trusted.",
    )
    OPENAI_API_KEY: SecretStr = Field(
        NOTHING, description="Without it, detection and answers are local."
    )
    OPENAI_BASE_URL: str = Field(
        "https://api.openai.com/v1", description="Base URL of OpenAI or a compatible service."
    )
    OPENAI_MODEL: str = Field(
        "gpt-6-luna", description="Model for detection, answers and translation."
    )
    OPENAI_JUDGE_EFFORT: Effort = Field(
        "none",
        description="Reasoning effort for detection, `none` to `max`; `default` leaves it to the model.",
    )
    OPENAI_ANSWER_EFFORT: Effort = Field(
        "none", description="Reasoning effort for answers and translation."
    )
    OPENAI_JUDGE_SECONDS: float = Field(
        3.0,
        ge=0.5,
        le=60,
        description="Time limit for detection in seconds; after that, the local result is used.",
    )
    OPENAI_ANSWER_SECONDS: float = Field(
        8.0, ge=0.5, le=60, description="Time limit for an answer or a translation in seconds."
    )
    OPENAI_QUERY_SECONDS: float = Field(
        2.0,
        ge=0,
        le=60,
        description="Time limit for rewriting a follow-up as a search query in seconds; 0 = never. "
        "After that, the last messages are searched.",
    )
    OPENAI_MAX_TOKENS: int = Field(
        1000,
        ge=100,
        le=100_000,
        description=(
            "Token limit for an answer with its reasoning; quadrupled once after an answer was "
            "cut off."
        ),
    )
    OPENAI_TRANSCRIBE_MODEL: str = Field(
        "gpt-transcribe", description="Model that transcribes customers' voice notes."
    )
    OPENAI_TRANSCRIBE_SECONDS: float = Field(
        20.0,
        ge=0.5,
        le=60,
        description="Time limit for a transcription in seconds; it is tried twice.",
    )
    LOOK_UP_SECRETS: SecretStr = Field(
        NOTHING,
        description="Secrets that sign look-ups, as `name:secret` with spaces between; each secret "
        "has at least 32 random characters. Also bearer tokens of MCP servers, as "
        "`name@host:token`; a token is sent to its host only. Admins choose one by its name.",
    )
    LOOK_UP_LOOPBACK: bool = Field(
        default=False,
        description="Allows look-ups by plain HTTP on this machine. Only for trying and tests.",
    )
    OPENAI_INPUT_PRICE: float | None = Field(
        None,
        ge=0,
        description="Price of a million input tokens, in the currency of the caps; without it, the "
        "model's known price is used, see docs/assistant.md.",
    )
    OPENAI_CACHED_PRICE: float | None = Field(
        None, ge=0, description="Price of a million cached input tokens."
    )
    OPENAI_OUTPUT_PRICE: float | None = Field(
        None, ge=0, description="Price of a million output tokens, including reasoning."
    )
    OPENAI_MINUTE_PRICE: float | None = Field(
        None,
        ge=0,
        description="Price of a transcribed minute; without it, the model's known price is used.",
    )
    OPENAI_DAILY_CAP: float = Field(
        10.0,
        ge=0,
        description="Daily spending cap (UTC); 0 = no cap. When it is reached, answers are local.",
    )
    OPENAI_CONTACT_CAP: float = Field(
        0.5, ge=0, description="Daily spending cap per contact; 0 = no cap."
    )
    TICKET_WEBHOOK_URL: str = Field(
        "",
        description="URL that receives every ticket change as a signed POST; see docs/tickets.md.",
    )
    TICKET_WEBHOOK_SECRET: SecretStr = Field(
        NOTHING, description="Secret that signs ticket webhooks: at least 32 random characters."
    )
    TICKET_WEBHOOK_SECRET_NEXT: SecretStr = Field(
        NOTHING, description="Second secret that also signs ticket webhooks during rotation."
    )
    CUSTOMER_LOOKUP_URL: str = Field(
        "",
        description=(
            "URL that says more about customers who write, by a signed GET; see docs/admins.md."
        ),
    )
    CUSTOMER_LOOKUP_SECRET: SecretStr = Field(
        NOTHING, description="Secret that signs customer look-ups: at least 32 random characters."
    )
    ZENDESK_URL: str = Field(
        "",
        description="URL of your Zendesk, `https://acme.zendesk.com`, to keep tickets there as well.",
    )
    ZENDESK_EMAIL: str = Field(
        "", description="E-mail address of the Zendesk agent that the token belongs to."
    )
    ZENDESK_TOKEN: SecretStr = Field(NOTHING, description="Zendesk API token.")
    SMTP_URL: SecretStr = Field(
        NOTHING,
        description="Mail server, `smtp://user:password@mail.example.com` (STARTTLS) or `smtps://…`.",
    )
    MAIL_FROM: str = Field(
        "", description="Sender of e-mails to the team, `Handoff <handoff@example.com>`."
    )
    KNOWLEDGE_DIR: Path = Field(
        Path("knowledge"),
        description="Folder of articles (Markdown, MDX or text) for the assistant's answers. If "
        "neither the setting nor the default folder exists, it is the sample shop's.",
    )
    KNOWLEDGE_URLS: str = Field(
        "",
        description="Web pages and sitemaps (`.xml`) that the assistant also answers from, separated by "
        "commas. Needs `handoff-bot[sources]`.",
    )
    SAMPLE_KNOWLEDGE: bool = Field(
        False,
        description="Serve with the sample shop's articles, to try the bot; else it does not start.",
    )
    METRICS_TOKEN: SecretStr = Field(
        NOTHING,
        description="Bearer token for `/metrics` and the details of `/healthz`: at least 32 random "
        "characters. Without it there is no `/metrics`.",
    )
    SENTRY_DSN: SecretStr = Field(
        NOTHING,
        description="Address of a Sentry project that receives errors of the program, without customers' "
        "data; see docs/monitoring.md. Needs `handoff-bot[sentry]`.",
    )
    HOLD_OUTGOING: bool = Field(
        False,
        description="Receives and shows messages, but sends none to customers. They are sent when the bot "
        "starts without this setting.",
    )
    LOG_LEVEL: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Log level."
    )

    @property
    def on_sqlite(self) -> bool:
        return self.DATABASE_URL.get_secret_value().startswith("sqlite")

    @property
    def webchat_origins(self) -> tuple[str, ...]:
        """Returns the websites that may show the chat; empty for no website chat."""
        return tuple(self.WEBCHAT_ORIGINS.replace(",", " ").split())

    @property
    def knowledge_urls(self) -> tuple[str, ...]:
        """Returns the web pages and sitemaps to read."""
        return tuple(self.KNOWLEDGE_URLS.replace(",", " ").split())

    @property
    def look_up_secrets(self) -> dict[str, str]:
        """Returns the secrets that sign look-ups, by name."""
        pairs = (one.partition(":") for one in self.LOOK_UP_SECRETS.get_secret_value().split())
        return {name: secret for name, _, secret in pairs if "@" not in name}

    @property
    def look_up_tokens(self) -> dict[str, Token]:
        """Returns the bearer tokens of MCP servers, by name."""
        pairs = (one.partition(":") for one in self.LOOK_UP_SECRETS.get_secret_value().split())
        named = ((*name.partition("@"), token) for name, _, token in pairs if "@" in name)
        return {name: Token(host.lower(), token) for name, _, host, token in named}

    @property
    def wants_twilio(self) -> bool:
        """Returns whether Twilio channels are used. Required without a website chat."""
        given = (self.TWILIO_ACCOUNT_SID, self.TWILIO_AUTH_TOKEN.get_secret_value())
        return any(given) or not self.webchat_origins

    def twilio_sender(self, kind: str) -> str:
        """Returns our number on a Twilio channel, from `TWILIO_<KIND>_FROM`; "" for none."""
        return str(getattr(self, f"TWILIO_{kind.upper()}_FROM", ""))

    @property
    def wants_mail(self) -> bool:
        return bool(self.SMTP_URL.get_secret_value())

    @property
    def model_price(self) -> Price | None:
        """Returns the language model's price, configured or known; None if neither."""
        known = known_price(self.OPENAI_MODEL)
        given = self.OPENAI_INPUT_PRICE, self.OPENAI_OUTPUT_PRICE, self.OPENAI_CACHED_PRICE
        listed = (known.input, known.output, known.cached) if known else (None, None, None)
        into, out, cached = (
            before if one is None else one for one, before in zip(given, listed, strict=True)
        )
        return None if into is None or out is None else Price(into, out, cached)

    @property
    def minute_price(self) -> float | None:
        """Returns the price of a transcribed minute, configured or known; None if neither."""
        known = KNOWN_MINUTES.get(self.OPENAI_TRANSCRIBE_MODEL)
        return known if self.OPENAI_MINUTE_PRICE is None else self.OPENAI_MINUTE_PRICE

    @property
    def has_uncountable_cap(self) -> bool:
        """Returns whether a spending cap is set but the model's price is unknown."""
        return self._has_cap and self.model_price is None

    @property
    def has_uncountable_minutes(self) -> bool:
        """Returns whether a spending cap is set but the price of a transcription is unknown."""
        return self._has_cap and self.minute_price is None

    @property
    def _has_cap(self) -> bool:
        has_cap = bool(self.OPENAI_DAILY_CAP or self.OPENAI_CONTACT_CAP)
        return bool(self.OPENAI_API_KEY.get_secret_value()) and has_cap

    @property
    def processes(self) -> int:
        """Returns the number of serving processes."""
        return 1 if self.on_sqlite else self.WEB_CONCURRENCY


def _is_origin(text: str) -> bool:
    scheme, _, rest = text.partition("://")
    return scheme in ("https", "http") and bool(rest) and not set(rest) & set("/?#@*")


def _is_sent_by_browsers(origin: str) -> bool:
    """Returns whether it matches browsers' Origin header: lowercase, without the default port."""
    try:
        return str(WebAddress.parse(origin).origin) == origin
    except Malformed:
        return False


def _is_url(text: str, *schemes: str) -> bool:
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname or "", parts.port
        host.encode("idna")  # no empty label, none of more than 63 characters
    except ValueError:  # also brackets without an IPv6 address, and a port that is no number
        return False
    return parts.scheme in schemes and bool(host)


def _is_short(secret: SecretStr) -> bool:
    return len(secret.get_secret_value()) < SHORTEST_SECRET


def _is_given_but_short(secret: SecretStr) -> bool:
    return bool(secret.get_secret_value()) and _is_short(secret)


def _is_named_secret(text: str) -> bool:
    name, _, secret = text.partition(":")
    name, at, host = name.partition("@")
    if at:  # another system has made the token
        return bool(
            _SECRET_NAME.fullmatch(name) and _HOST.fullmatch(host) and _TOKEN.fullmatch(secret)
        )
    return bool(_SECRET_NAME.fullmatch(name)) and len(secret) >= SHORTEST_SECRET


def _is_mail_server(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in MAIL_SCHEMES and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is not a number
        return False


BY_HTTPS = "keys are sent there, so it must be https (http only to 127.0.0.1, ::1 or localhost)"
Rule = tuple[str, str, Callable[[Settings], bool]]
"""A setting, its error message, and the check that fails."""

_PEERS_RULES: tuple[Rule, ...] = (
    (
        "TICKET_WEBHOOK_URL",
        f"must be a URL such as https://crm.example.com/handoff; {BY_HTTPS}",
        lambda s: bool(s.TICKET_WEBHOOK_URL) and not is_for_keys(s.TICKET_WEBHOOK_URL),
    ),
    (
        "TICKET_WEBHOOK_SECRET",
        f"missing or too short; with TICKET_WEBHOOK_URL it must be {MAKE_ONE}",
        lambda s: bool(s.TICKET_WEBHOOK_URL) and _is_short(s.TICKET_WEBHOOK_SECRET),
    ),
    (
        "TICKET_WEBHOOK_SECRET_NEXT",
        f"too short; it must be {MAKE_ONE}",
        lambda s: _is_given_but_short(s.TICKET_WEBHOOK_SECRET_NEXT),
    ),
    (
        "CUSTOMER_LOOKUP_URL",
        f"must be a URL such as https://crm.example.com/customers; {BY_HTTPS}",
        lambda s: bool(s.CUSTOMER_LOOKUP_URL) and not is_for_keys(s.CUSTOMER_LOOKUP_URL),
    ),
    (
        "CUSTOMER_LOOKUP_SECRET",
        f"missing or too short; with CUSTOMER_LOOKUP_URL it must be {MAKE_ONE}",
        lambda s: bool(s.CUSTOMER_LOOKUP_URL) and _is_short(s.CUSTOMER_LOOKUP_SECRET),
    ),
    (
        "ZENDESK_URL",
        f"must be a URL such as https://acme.zendesk.com, without a path; {BY_HTTPS}",
        lambda s: (
            bool(s.ZENDESK_URL)
            and not (_is_origin(s.ZENDESK_URL.rstrip("/")) and is_for_keys(s.ZENDESK_URL))
        ),
    ),
    (
        "ZENDESK_TOKEN",
        "ZENDESK_URL, ZENDESK_EMAIL and ZENDESK_TOKEN belong together; set all or none",
        lambda s: (
            len(
                {
                    bool(s.ZENDESK_URL),
                    bool(s.ZENDESK_EMAIL),
                    bool(s.ZENDESK_TOKEN.get_secret_value()),
                }
            )
            > 1
        ),
    ),
    (
        "SMTP_URL",
        "must begin with smtp:// (STARTTLS), smtps:// or smtp+insecure:// and name a host",
        lambda s: s.wants_mail and not _is_mail_server(s.SMTP_URL.get_secret_value()),
    ),
    (
        "MAIL_FROM",
        "missing or malformed; with SMTP_URL give an address like Handoff <handoff@example.com>",
        lambda s: s.wants_mail and not _ADDRESS.fullmatch(parseaddr(s.MAIL_FROM)[1]),
    ),
)
_TWILIO_RULES: tuple[Rule, ...] = (
    (
        "TWILIO_ACCOUNT_SID",
        "missing or malformed; the Account SID (AC and 32 digits or letters) is on the console's first page",
        lambda s: not (s.TWILIO_ACCOUNT_SID.startswith("AC") and len(s.TWILIO_ACCOUNT_SID) == 34),
    ),
    (
        "TWILIO_AUTH_TOKEN",
        "missing; required to verify webhooks, even when you send with an API key",
        lambda s: not s.TWILIO_AUTH_TOKEN.get_secret_value(),
    ),
    (
        "TWILIO_API_SECRET",
        "TWILIO_API_KEY and TWILIO_API_SECRET belong together; set both or neither",
        lambda s: bool(s.TWILIO_API_KEY) != bool(s.TWILIO_API_SECRET.get_secret_value()),
    ),
    (
        "TWILIO_SMS_FROM",
        "no sender; set TWILIO_SMS_FROM, TWILIO_WHATSAPP_FROM, "
        "TWILIO_MESSAGING_SERVICE_SID or, for Conversations only, "
        "TWILIO_CONVERSATIONS_SERVICE_SID",
        lambda s: (
            not (
                s.TWILIO_SMS_FROM
                or s.TWILIO_WHATSAPP_FROM
                or s.TWILIO_MESSAGING_SERVICE_SID
                or s.TWILIO_CONVERSATIONS_SERVICE_SID
            )
        ),
    ),
    (
        "PUBLIC_BASE_URL",
        "missing or malformed; set the URL configured at Twilio, e.g. https://bot.example.com",
        lambda s: not _is_url(s.PUBLIC_BASE_URL, "https", "http"),
    ),
)
_RULES: tuple[Rule, ...] = (
    *_PEERS_RULES,
    (
        "SLACK_BOT_TOKEN",
        "missing; copy the Bot User OAuth Token (xoxb-…) from OAuth & Permissions of your Slack app",
        lambda s: not s.SLACK_BOT_TOKEN.get_secret_value(),
    ),
    (
        "SLACK_SIGNING_SECRET",
        "missing; copy it from Basic Information of your Slack app (or set SLACK_APP_TOKEN)",
        lambda s: (
            not (s.SLACK_SIGNING_SECRET.get_secret_value() or s.SLACK_APP_TOKEN.get_secret_value())
        ),
    ),
    (
        "SLACK_QUEUE_CHANNEL",
        "not a channel ID; use the channel ID (C… or G…), shown at the bottom of the channel details",
        lambda s: s.SLACK_QUEUE_CHANNEL[:1] not in ("", "C", "G"),
    ),
    (
        "WEBCHAT_ORIGINS",
        "each must be an origin as browsers send it: lowercase, without a path or default "
        "port, e.g. https://shop.example.com",
        lambda s: not all(map(_is_sent_by_browsers, s.webchat_origins)),
    ),
    (
        "WEBCHAT_SECRET",
        f"missing or too short; with WEBCHAT_ORIGINS it must be {MAKE_ONE}",
        lambda s: bool(s.webchat_origins) and _is_short(s.WEBCHAT_SECRET),
    ),
    (
        "WEBCHAT_IDENTITY_SECRET",
        f"too short: an attacker could guess it and impersonate customers; it must be {MAKE_ONE}",
        lambda s: _is_given_but_short(s.WEBCHAT_IDENTITY_SECRET),
    ),
    (
        "METRICS_TOKEN",
        f"too short; it must be {MAKE_ONE}",
        lambda s: _is_given_but_short(s.METRICS_TOKEN),
    ),
    (
        "SENTRY_DSN",
        f"must be a Sentry project's client key (DSN), such as https://key@sentry.example.com/1; {BY_HTTPS}",
        lambda s: (
            bool(s.SENTRY_DSN.get_secret_value()) and not _is_dsn(s.SENTRY_DSN.get_secret_value())
        ),
    ),
    (
        "OPENAI_BASE_URL",
        f"must be a URL such as https://api.openai.com/v1; {BY_HTTPS}",
        lambda s: not is_for_keys(s.OPENAI_BASE_URL),
    ),
    (
        "LOOK_UP_SECRETS",
        "must be name:secret or name@host:token, with spaces between several; each secret must be "
        f"{MAKE_ONE}",
        lambda s: not all(map(_is_named_secret, s.LOOK_UP_SECRETS.get_secret_value().split())),
    ),
    (
        "SLACK_API_URL",
        f"must be a URL such as https://slack.com/api/; {BY_HTTPS}",
        lambda s: not is_for_keys(s.SLACK_API_URL),
    ),
    (
        "SLACK_CLIENT_SECRET",
        "SLACK_CLIENT_ID and SLACK_CLIENT_SECRET belong together; set both or neither",
        lambda s: bool(s.SLACK_CLIENT_ID) != bool(s.SLACK_CLIENT_SECRET.get_secret_value()),
    ),
    (
        "ENCRYPTION_KEY_FILE",
        "missing; with SLACK_CLIENT_ID, Slack's tokens are stored, and only encrypted",
        lambda s: bool(s.SLACK_CLIENT_ID) and not s.ENCRYPTION_KEY_FILE,
    ),
    (
        "TWILIO_API_URL",
        f"must be a URL; {BY_HTTPS}",
        lambda s: bool(s.TWILIO_API_URL) and not is_for_keys(s.TWILIO_API_URL),
    ),
    (
        "DATABASE_URL",
        "must begin with sqlite:/// or postgresql://",
        lambda s: not s.DATABASE_URL.get_secret_value().startswith(DATABASES),
    ),
    (
        "OPENAI_INPUT_PRICE",
        "the price of this OPENAI_MODEL is unknown; set OPENAI_INPUT_PRICE and "
        "OPENAI_OUTPUT_PRICE (0 for a self-hosted model), or remove the caps with "
        "OPENAI_DAILY_CAP=0 and OPENAI_CONTACT_CAP=0",
        lambda s: s.has_uncountable_cap,
    ),
    (
        "OPENAI_MINUTE_PRICE",
        "the price of this OPENAI_TRANSCRIBE_MODEL is unknown; set it (0 for a self-hosted model)",
        lambda s: s.has_uncountable_minutes,
    ),
    (
        "KNOWLEDGE_URLS",
        "every entry must be a web address such as https://shop.example/sitemap.xml",
        lambda s: not all(map(_is_web_address, s.knowledge_urls)),
    ),
    (
        "KNOWLEDGE_DIR",
        "is not a folder; set the folder with your articles",
        lambda s: not s.KNOWLEDGE_DIR.is_dir(),
    ),
)


def _is_dsn(text: str) -> bool:
    """Returns whether it has the form https://key@host/project."""
    try:
        parts = urlsplit(text)
        host = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        return bool(parts.username) and parts.path.strip("/").isalnum() and is_for_keys(host)
    except ValueError:  # a port that is not a number
        return False


def _is_web_address(text: str) -> bool:
    try:
        WebAddress.parse(text)
    except Malformed:
        return False
    return True


def knowledge_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """Returns the folder of articles, for commands that need no other setting."""
    if given := environ.get("KNOWLEDGE_DIR", "").strip():
        return Path(given)
    default: Path = Settings.model_fields["KNOWLEDGE_DIR"].default
    return default if default.is_dir() else SAMPLE_FOLDER


def load_env_file(path: Path, environ: MutableMapping[str, str] = os.environ) -> None:
    """Sets the variables of a file of lines `NAME=value`, except those that are already set.

    `NAME` and `NAME_FILE` count as one variable, so that a secret in the file never overrides a
    secret of the environment. `$` has no meaning in values, because secrets may contain it.

    Raises:
        SettingsError: the file cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: the file cannot be read as UTF-8 text") from error
    before = {name.removesuffix("_FILE") for name in environ}
    for name, value in dotenv_values(stream=io.StringIO(text), interpolate=False).items():
        if value is not None and name.removesuffix("_FILE") not in before:
            environ[name] = value


def read_database_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """Reads only what commands need that use nothing but the database.

    Raises:
        SettingsError: the database's address is invalid.
    """
    return read_settings(environ, ("DATABASE_URL", "ENCRYPTION_KEY_FILE"))


def read_settings(
    environ: Mapping[str, str] = os.environ, names: Collection[str] = Settings.model_fields
) -> Settings:
    """Reads the settings with these names from the environment; the others keep their defaults.

    Raises:
        SettingsError: lists every problem with a hint, without any value.
    """
    values, problems = _values(environ, names)
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        wrong = {str(detail["loc"][0]): detail["msg"] for detail in error.errors()}
        problems += [f"{name}: {message}" for name, message in wrong.items()]
        # Without the invalid ones, the rest can be checked too, so that all problems are reported
        # at once.
        settings = Settings.model_validate({k: v for k, v in values.items() if k not in wrong})
    rules = (*_RULES, *_TWILIO_RULES) if settings.wants_twilio else _RULES
    problems += [
        f"{name}: {hint}" for name, hint, is_wrong in rules if name in names and is_wrong(settings)
    ]
    if problems:
        lines = "".join(f"\n  - {problem}" for problem in problems)
        raise SettingsError(f"Some settings are missing or invalid:{lines}")
    return settings


def _values(environ: Mapping[str, str], names: Collection[str]) -> tuple[dict[str, str], list[str]]:
    """Returns each field's value, from the variable or its NAME_FILE, and the read errors."""
    values: dict[str, str] = {"KNOWLEDGE_DIR": str(knowledge_dir(environ))}
    problems: list[str] = []
    for name in names:
        field = Settings.model_fields[name]
        given = environ.get(name, "").strip()
        path = environ.get(f"{name}_FILE", "")
        if field.annotation is SecretStr and path and not given:
            try:
                given = Path(path).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError):
                problems.append(f"{name}_FILE: the file cannot be read")
        if given:
            values[name] = given
    return values, problems
