"""The workspaces of an operator: one folder each, with its settings, its articles and its database."""

from __future__ import annotations

import io
import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dotenv import dotenv_values
from sqlalchemy import make_url

from handoff_bot.domain.errors import SettingsError
from handoff_bot.settings import Settings, read_settings

FILE = "settings.env"
DATABASE = "handoff.db"
ARTICLES = "knowledge"
PATH = "/w/"
"""Begins the addresses of a workspace: `/w/<slug>/webhooks/sms`."""
SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")
TEAM = re.compile(r"[TE][A-Z0-9]{2,30}")
SCHEMA = "handoff_"
"""Begins the name of a workspace's schema in PostgreSQL."""
LARGEST_FILE = 64 * 1024

OF_THE_PROCESS = frozenset(
    {
        "ENCRYPTION_KEY_FILE",
        "HOST",
        "LOG_LEVEL",
        "METRICS_TOKEN",
        "PORT",
        "SENTRY_DSN",
        "SLACK_API_URL",
        "SLACK_LIMITS",
        "SLACK_SIGNING_SECRET",
        "SQLITE_SYNCHRONOUS",
        "TRUSTED_PROXIES",
        "WEB_CONCURRENCY",
        "WEB_THREADS",
    }
)
"""Settings that all workspaces take from the environment of the process."""
NOT_OF_A_WORKSPACE = frozenset(
    {
        "PUBLIC_BASE_URL",
        "SLACK_APP_TOKEN",
        "SLACK_CLIENT_ID",
        "SLACK_CLIENT_SECRET",
        "WORKSPACES_DIR",
        "WORKSPACES_MOST",
    }
)
"""Settings that a workspace neither has nor inherits; PUBLIC_BASE_URL follows from the process's."""

NO_TEAM = "SLACK_TEAM_ID: missing or malformed; set the id of the Slack workspace (T…) or organisation (E…)"
NOT_HERE = "{names}: belongs to the process, not to a workspace; remove it from this file"
UNKNOWN = "{names}: not a setting; see docs/settings.md"
UNREADABLE = f"{FILE} is too large, or not UTF-8 text"
SAME = "has the same {what} as {other}; each workspace needs its own"


@dataclass(frozen=True)
class Workspace:
    """One workspace, as its folder describes it.

    Attributes:
        slug: the name of its folder, part of its addresses.
        team_id: "T…", or "E…" for a whole organisation.
        environ: all of its settings, as an environment.
    """

    slug: str
    folder: Path
    team_id: str
    environ: Mapping[str, str] = field(repr=False)

    @property
    def by_token(self) -> bool:
        """Returns whether its bot token is in its settings, so that it is not installed by OAuth."""
        return any(self.environ.get(name) for name in ("SLACK_BOT_TOKEN", "SLACK_BOT_TOKEN_FILE"))

    @property
    def database_url(self) -> str:
        return self.environ["DATABASE_URL"]

    @property
    def is_org_wide(self) -> bool:
        return self.team_id.startswith("E")

    def settings(self) -> Settings:
        """Returns its settings. Without a bot token of its own, that one is "".

        Raises:
            SettingsError: lists every problem, without any value.
        """
        without = frozenset() if self.by_token else {"SLACK_BOT_TOKEN"}
        return read_settings(self.environ, Settings.model_fields.keys() - without)


@dataclass(frozen=True)
class Found:
    """All folders: the workspaces, and what is wrong with the others, by slug."""

    workspaces: dict[str, Workspace] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)


def read_folders(root: Path, process: Mapping[str, str]) -> Found:
    """Reads every folder that holds settings.

    Args:
        process: the environment of the process.

    Raises:
        SettingsError: `root` is not a folder.
    """
    found = Found()
    try:
        folders = sorted(one for one in root.iterdir() if (one / FILE).exists())
    except OSError:
        raise SettingsError("WORKSPACES_DIR is not a folder that can be read.") from None
    for folder in folders:
        try:
            found.workspaces[folder.name] = _read(folder, process)
        except SettingsError as error:
            found.problems[folder.name] = str(error)
    _refuse_shared(found)
    return found


def _read(folder: Path, process: Mapping[str, str]) -> Workspace:
    if not SLUG.fullmatch(folder.name):
        raise SettingsError("the folder's name must be of a-z, 0-9 and -, at most 40 characters")
    own = _own(folder / FILE)
    team_id = own.get("SLACK_TEAM_ID", "").strip()
    if not TEAM.fullmatch(team_id):
        raise SettingsError(NO_TEAM)
    inherited = {name: value for name, value in process.items() if _setting(name) in OF_THE_PROCESS}
    base = process.get("PUBLIC_BASE_URL", "").strip().rstrip("/")
    derived = {"PUBLIC_BASE_URL": f"{base}{PATH}{folder.name}" if base else ""}
    usual = {"KNOWLEDGE_DIR": str(folder / ARTICLES)}
    if not any(name in own for name in ("DATABASE_URL", "DATABASE_URL_FILE")):
        usual["DATABASE_URL"] = _database_url(folder, process)
    elif "DATABASE_URL" not in own:
        usual["DATABASE_URL"] = read_settings(
            own, ("DATABASE_URL",)
        ).DATABASE_URL.get_secret_value()
    return Workspace(folder.name, folder, team_id, {**inherited, **usual, **own, **derived})


def _own(file: Path) -> dict[str, str]:
    """Returns what the workspace's file sets."""
    try:
        with file.open("rb") as opened:
            content = opened.read(LARGEST_FILE + 1)
        text = content.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise SettingsError(UNREADABLE) from None
    if len(content) > LARGEST_FILE:
        raise SettingsError(UNREADABLE)
    lines = dotenv_values(stream=io.StringIO(text), interpolate=False)
    own = {name: value for name, value in lines.items() if value is not None}
    names = {name: _setting(name) for name in own}
    misplaced = [name for name, of in names.items() if of in OF_THE_PROCESS | NOT_OF_A_WORKSPACE]
    if misplaced:
        raise SettingsError(NOT_HERE.format(names=", ".join(misplaced)))
    unknown = [name for name, of in names.items() if of not in Settings.model_fields]
    if unknown:
        raise SettingsError(UNKNOWN.format(names=", ".join(unknown)))
    return own


def _setting(name: str) -> str:
    return name if name in Settings.model_fields else name.removesuffix("_FILE")


def _database_url(folder: Path, process: Mapping[str, str]) -> str:
    """Returns the address of its own file, or of its own schema in the process's PostgreSQL."""
    shared = read_settings(process, ("DATABASE_URL",)).DATABASE_URL.get_secret_value()
    if shared.startswith("sqlite"):
        return f"sqlite:///{folder / DATABASE}"
    url = make_url(shared).update_query_dict({"options": f"-csearch_path={schema(folder.name)}"})
    return url.render_as_string(hide_password=False)


def schema(slug: str) -> str:
    """Returns the name of a workspace's schema in PostgreSQL."""
    return f"{SCHEMA}{slug.replace('-', '_')}"


def _webchat_secret(workspace: Workspace) -> str:
    """Returns the secret, "" for none or while its file cannot be read."""
    try:
        read = read_settings(workspace.environ, ("WEBCHAT_SECRET",))
    except SettingsError:
        return ""
    return read.WEBCHAT_SECRET.get_secret_value()


def _refuse_shared(found: Found) -> None:
    """Takes out workspaces that would share what keeps them apart."""
    parts: dict[str, Callable[[Workspace], str]] = {
        "SLACK_TEAM_ID": lambda one: one.team_id,
        "database": lambda one: one.database_url,
        "WEBCHAT_SECRET": _webchat_secret,  # it signs visitors' tokens, which name no workspace
        "folder of articles": lambda one: str(Path(one.environ["KNOWLEDGE_DIR"]).resolve()),
    }
    refused: dict[str, str] = {}
    for what, of in parts.items():
        same: dict[str, list[str]] = defaultdict(list)
        for slug, workspace in found.workspaces.items():
            if value := of(workspace):
                same[value].append(slug)
        for slugs in same.values():
            for slug in slugs if len(slugs) > 1 else ():
                other = next(one for one in slugs if one != slug)
                refused.setdefault(slug, SAME.format(what=what, other=other))
    for slug, problem in refused.items():
        del found.workspaces[slug]
        found.problems[slug] = problem
