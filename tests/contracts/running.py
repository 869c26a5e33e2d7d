"""The contracts, read from the program as it runs."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from apscheduler.job import Job
from pydantic import SecretStr
from sqlalchemy import inspect
from sqlalchemy.engine import Connection

from handoff_bot import app
from handoff_bot.cli import main
from handoff_bot.services.settings_catalog import SECTIONS
from handoff_bot.settings import Settings
from handoff_bot.slack.features.thread_commands import HELP as THREAD_HELP
from handoff_bot.slack.incoming.registration import COMMAND, commands_for
from handoff_bot.slack.incoming.registry import EVERYTHING

Json = dict[str, Any]


@contextmanager
def built(database_url: str) -> Iterator[app.Handoff]:
    """The whole program with every part that settings can add, not started."""
    made = app.build(
        Settings(
            DATABASE_URL=SecretStr(database_url),
            PUBLIC_BASE_URL="https://bot.example.com",
            SLACK_BOT_TOKEN=SecretStr("xoxb-test"),
            SLACK_SIGNING_SECRET=SecretStr("secret"),
            SLACK_QUEUE_CHANNEL="C0QUEUE",
            TWILIO_ACCOUNT_SID="AC1",
            TWILIO_AUTH_TOKEN=SecretStr("token"),
            TWILIO_SMS_FROM="+15550100",
            WEBCHAT_ORIGINS="https://shop.example.com",
            WEBCHAT_SECRET=SecretStr("x" * 40),
            KNOWLEDGE_DIR="",
        )
    )
    try:
        yield made
    finally:
        made.slack.stop()
        made.core.reacting.close()
        made.core.database.close()


def routes(made: app.Handoff) -> Json:
    """Address -> methods."""
    found: Json = {}
    for rule in sorted(made.web.url_map.iter_rules(), key=lambda one: one.rule):
        methods = (rule.methods or set()) - {"HEAD", "OPTIONS"}
        found[rule.rule] = sorted({*found.get(rule.rule, ()), *methods})
    return found


def queues(made: app.Handoff) -> Json:
    """Queue -> threads, kind of job -> its queues, and what is done every so many seconds."""
    handlers = made.core.handlers
    jobs: list[Job] = made.scheduler.get_jobs()
    return {
        "threads": dict(sorted(handlers.threads.items())),
        "kinds": {kind: sorted(handlers.queues[kind]) for kind in sorted(handlers)},
        "every": {job.args[0]: int(job.trigger.interval.total_seconds()) for job in jobs},
    }


def environment() -> Json:
    """Name -> default, whether it is secret, and what may be set."""
    schema = Settings.model_json_schema()["properties"]
    return {
        name: {
            "default": _shown(field.default),
            "secret": field.annotation is SecretStr,
            **{
                key: value
                for key, value in schema[name].items()
                if key in ("type", "enum", "minimum", "maximum")
            },
        }
        for name, field in Settings.model_fields.items()
    }


def _shown(default: Any) -> Any:
    shown = default.get_secret_value() if isinstance(default, SecretStr) else default
    return str(shown) if isinstance(shown, Path) else shown


def live_settings() -> Json:
    """Name -> what admins may set, section by section."""
    return {
        section.name: {
            each.name: {
                "key": each.key,
                "part": each.part,
                "default": each.default,
                "widget": each.widget.value,
                "choices": sorted(each.choices),
            }
            for each in section.settings
        }
        for section in SECTIONS
    }


def slack_side() -> Json:
    """Everything in Slack that the app answers, with what each does and to which conversation."""
    rules: dict[str, Mapping[str, Any]] = {
        "clicks": EVERYTHING.clicks,
        "views": EVERYTHING.views,
        "options": EVERYTHING.options,
        "commands": EVERYTHING.commands,
        "events": EVERYTHING.events,
        "thread commands": EVERYTHING.thread_commands,
    }
    found: Json = {
        name: {str(each): _rule(table[each]) for each in sorted(table)}
        for name, table in rules.items()
    }
    found["shortcuts"] = {
        name: {"name": one.name, "on_message": one.on_message, "rule": _rule(one.rule)}
        for name, one in sorted(EVERYTHING.shortcuts.items())
    }
    found["menus"] = {name: sorted(held) for name, held in sorted(EVERYTHING.menus.items())}
    return {
        "command": COMMAND,
        "help": list(commands_for(True)),
        "thread help": list(THREAD_HELP),
        **found,
    }


def _rule(rule: Any) -> str:
    return f"{rule.action.value} {rule.subject.value}"


def command_line() -> Json:
    """Command -> its arguments and options."""
    return {name: [_parameter(one) for one in command.params] for name, command in _commands(main)}


def _commands(group: click.Command, before: str = "") -> Iterator[tuple[str, click.Command]]:
    for name, command in sorted(getattr(group, "commands", {}).items()):
        yield before + name, command
        yield from _commands(command, f"{before}{name} ")


def _parameter(one: click.Parameter) -> Json:
    described: Json = {"names": [*one.opts, *one.secondary_opts], "type": one.type.name}
    if isinstance(one.type, click.Choice):
        described["choices"] = list(one.type.choices)
    if isinstance(one.default, str | int) and not isinstance(one.default, bool):
        described["default"] = one.default
    return described | {"required": one.required, "environment": one.envvar}


def tables(connection: Connection) -> Json:
    """Table -> columns, keys and indexes."""
    seen = inspect(connection)
    return {name: _table(seen, name) for name in sorted(seen.get_table_names())}


def _table(seen: Any, name: str) -> Json:
    unique = [sorted(one["column_names"]) for one in seen.get_unique_constraints(name)]
    indexes = {
        one["name"]: f"{', '.join(map(str, one['column_names']))}{' unique' * one['unique']}"
        for one in seen.get_indexes(name)
    }
    return {
        "columns": {one["name"]: _column(one) for one in seen.get_columns(name)},
        "primary key": seen.get_pk_constraint(name)["constrained_columns"],
        "foreign keys": sorted(
            f"{', '.join(one['constrained_columns'])} -> {one['referred_table']}"
            for one in seen.get_foreign_keys(name)
        ),
        "unique": sorted(unique),
        "indexes": dict(sorted(indexes.items())),
    }


def _column(column: Json) -> str:
    default = f" default {column['default']}" if column["default"] is not None else ""
    return f"{column['type']}{'' if column['nullable'] else ' not null'}{default}"
