"""The world of the page: a bot, its stand-ins, the people, and a clock that moves."""

from __future__ import annotations

import secrets
import shutil
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from handoff_bot.slack.manifest import manifest
from handoff_sandbox.mailbox import Mailbox
from handoff_sandbox.movable_time import MovableTime
from handoff_sandbox.openai import OpenAIStandIn, Said
from handoff_sandbox.openai.translations import nothing_else
from handoff_sandbox.page.phones import Phones
from handoff_sandbox.page.scripts import Player
from handoff_sandbox.page.switches import Switches
from handoff_sandbox.shop import SIGNED_AS, ShopStandIn, asks_the_shop, define_look_up
from handoff_sandbox.slack.payloads import Json
from handoff_sandbox.slack.state.messages import SlackChannel
from handoff_sandbox.slack.state.people import Person, UserGroup
from handoff_sandbox.world import KNOWLEDGE, World

START = 60.0
"""Timeout in seconds of the bot's start."""
PATIENCE = 10.0
"""Seconds until the bot has opened a modal."""
TEMPLATES = {
    f"HX{1:032}": "Hi {{1}}, we have news about your order {{2}}. Reply to this message to hear more.",
    f"HX{2:032}": "Hi {{1}}, did that solve your problem?",
}
"""Approved texts by their ContentSid, for `/handoff templates`; docs/sandbox.md lists them."""
BotState = Literal["starting", "up", "down"]


class Stage:
    """Everything behind the page.

    Args:
        folder: an empty one, for the database, the log and the clock.
        origins: the page's own addresses, which may show the website chat.

    Attributes:
        shop_url: the address of the shop.
        website_secrets: sign sessions, and the identities of the shop's customers.
    """

    def __init__(self, folder: Path, origins: tuple[str, ...]) -> None:
        self._clock_file, self.database = folder / "clock", folder / "handoff.db"
        self.time = MovableTime(self._clock_file)
        # A copy, because approved drafts become articles.
        articles = shutil.copytree(KNOWLEDGE, folder / "knowledge")
        self.world = World(
            f"sqlite:///{self.database}",
            knowledge=articles,
            log=folder / "log",
            now=self.time.now,
        )
        self.slack, self.twilio = self.world.slack, self.world.twilio
        self.journal = self.world.journal
        # It translates, reads files, and asks the shop: the rest stays with the real local models.
        self.mailbox = Mailbox(self.time.now).start()
        self._openai = OpenAIStandIn(self.journal).start()
        self._openai.respond_with(_model)
        self._shop_secret = secrets.token_urlsafe(32)
        self.shop = ShopStandIn(self._shop_secret, self.journal).start()
        self.twilio.account.templates.update(TEMPLATES)
        self.shop_url = f"{origins[0]}/shop/"
        self._origins = origins
        self.website_secrets = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        self.slack.add_channel("general", [self.world.ana, self.world.ben, self.world.mia])
        self.slack.add_group("support", "Support", [self.world.ana, self.world.ben])
        self.phones = Phones(self.twilio)
        before = {
            "order-status": self._with_look_up,
            "voice-note": self._with_files_read,
            "picture": self._with_files_read,
        }
        self.player = Player(self.twilio, self.phones, before)
        self.switches = Switches(self.slack.faults, self.twilio.faults, self.twilio.callbacks)
        self._state: BotState = "down"
        self._reads_files = False
        self._changing = threading.Lock()
        self._watcher: threading.Thread | None = None

    # -- the bot

    def start_bot(self) -> None:
        """Starts the bot if it is down; does not wait for it."""
        with self._changing:
            if self.world.is_up():
                return
            self._state = "starting"
            arguments = ("-m", "handoff_sandbox.bot", str(self._clock_file))
            self.world.start_bot(arguments, self._settings())
            self._watcher = threading.Thread(target=self._watch, daemon=True)
            self._watcher.start()

    def wait_for_a_starting_bot(self) -> None:
        """Holds a message until the bot is up: Twilio would report a bot that refuses connections,
        and the visitor has only just opened the page.
        """
        watcher = self._watcher
        if watcher and self.bot_state() == "starting":
            watcher.join(START)

    def kill_bot(self) -> None:
        """Kills the bot like `kill -9`."""
        with self._changing:
            self.world.kill_bot()
            self._state = "down"

    def bot_state(self) -> BotState:
        """Returns the bot's state."""
        return self._state if self.world.is_up() else "down"

    def _watch(self) -> None:
        try:
            self.world.wait_until_ready(START)
        except TimeoutError:
            return  # it stays "starting", or is "down" after an exit
        self._state = "up"

    def _settings(self) -> Mapping[str, str]:
        session, identity = self.website_secrets
        return {
            "WEBCHAT_ORIGINS": " ".join(self._origins),
            "WEBCHAT_SECRET": session,
            "WEBCHAT_IDENTITY_SECRET": identity,
            "WEBCHAT_VISITORS": "50",
            "OPENAI_API_KEY": self._openai.api_key,
            "OPENAI_BASE_URL": self._openai.base_url,
            "LOOK_UP_SECRETS": f"{SIGNED_AS}:{self._shop_secret}",
            "LOOK_UP_LOOPBACK": "true",
            "SMTP_URL": self.mailbox.url,
            "MAIL_FROM": "Handoff <handoff@example.com>",
        }

    def _with_look_up(self) -> None:
        """Defines the shop's look-up, as an admin would."""
        self.wait_for_a_starting_bot()
        define_look_up(self.slack, self.world.mia, self.world.queue, self.shop.url)

    def _with_files_read(self) -> None:
        """Switches the reading of voice notes and pictures on, as an admin would, once."""
        self.wait_for_a_starting_bot()
        if self._reads_files:
            return
        admin, slack = self.world.mia, self.slack
        below = len(slack.views(admin))
        slack.command(admin, self.world.queue, "/handoff", "settings files")
        slack.wait_for(lambda: len(slack.views(admin)) > below, PATIENCE)
        values = {name: ["yes"] for name in ("files.transcribe", "files.pictures")}
        slack.submit(admin, slack.views(admin)[-1]["id"], values)
        self._reads_files = True

    def stop(self) -> None:
        """Stops everything. No data is kept, so the bot is killed."""
        self.player.stop()
        self.world.kill_bot()
        self.world.__exit__(None, None, None)
        self._openai.stop()
        self.shop.stop()
        self.mailbox.stop()
        if self._watcher:
            self._watcher.join()

    # -- state

    def look(self) -> dict[str, Any]:
        """Returns everything as keys and values; web/src/api.ts describes them."""
        values: dict[str, Any] = {
            "world": self._world(),
            "journal": {"total": self.journal.total},
            "mail": [vars(letter) for letter in self.mailbox.letters()],
            "phones": [vars(phone) for phone in self.phones.all()],
            **self.phones.screens(),
        }
        return values | self._workspace()

    def _world(self) -> dict[str, Any]:
        return {
            # Whole minutes: the page counts on by itself, and a changing value would be sent all the time.
            "now": _minute(time.time()) + self.time.offset,
            "sent_at": _minute(time.time()),
            "offset": self.time.offset,
            "bot": {"state": self.bot_state(), "url": self.world.bot_url},
            "shop_url": self.shop_url,
            "queue": self.world.queue,
            "bot_user": self.slack.bot_user,
            "numbers": {
                "sms": self.twilio.sms_number,
                "whatsapp": self.twilio.whatsapp_number.removeprefix("whatsapp:"),
            },
            "faults": self.switches.shown(),
            "scripts": self.player.shown(),
            "commands": _commands(),
            "shortcuts": _shortcuts(),
        }

    def _workspace(self) -> dict[str, Any]:
        people, channels = self.slack.people(), self.slack.channels()
        values: dict[str, Any] = {
            "people": [_person(person) for person in people],
            "channels": [_channel(one) for one in channels],
            "groups": [_group(one) for one in self.slack.groups()],
        }
        for channel in channels:
            values[f"channel:{channel.id}"] = [
                _with_files(message) for message in self.slack.messages(channel.id)
            ]
        for person in people:
            if not person.is_bot:
                values[f"private:{person.id}"] = {
                    "ephemerals": self.slack.ephemerals(person.id),
                    "views": self.slack.views(person.id),
                    "home": self.slack.home(person.id),
                    "chosen": self.slack.chosen(person.id),
                }
        return values


def _model(body: Json) -> Said | None:
    """What the language model answers."""
    asked = asks_the_shop(body)
    return nothing_else(body) if asked is None else asked


def _minute(at: float) -> float:
    return at - at % 60


def _commands() -> list[dict[str, Any]]:
    features: Any = manifest()["features"]
    return [
        {name: command[name] for name in ("command", "description", "usage_hint")}
        for command in features.get("slash_commands", ())
    ]


def _shortcuts() -> list[dict[str, Any]]:
    features: Any = manifest()["features"]
    return [
        {name: shortcut[name] for name in ("name", "type", "callback_id", "description")}
        for shortcut in features.get("shortcuts", ())
    ]


def _person(person: Person) -> dict[str, Any]:
    names = ("id", "name", "real_name", "is_admin", "is_bot", "presence", "dnd_until", "deleted")
    return {name: getattr(person, name) for name in names}


def _group(group: UserGroup) -> dict[str, Any]:
    return {name: getattr(group, name) for name in ("id", "handle", "name", "members")}


def _channel(channel: SlackChannel) -> dict[str, Any]:
    return {
        "id": channel.id,
        "name": channel.name,
        "is_private": channel.is_private,
        "is_im": bool(channel.partner),
        "is_archived": channel.is_archived,
        "user": channel.partner,
        "members": channel.members,
        "pins": list(channel.pins),
    }


def _with_files(message: Json) -> Json:
    """Returns the message with addresses of its files for the page."""
    if "files" in message:
        message["files"] = [
            file | {"sandbox_url": f"/sandbox/files/{file['id']}"} for file in message["files"]
        ]
    return message
