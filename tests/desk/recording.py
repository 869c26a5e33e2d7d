"""Records what people do in Slack and all that the bot says to it, to customers, and to its own log."""

import re
from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine, event

from handoff_bot.services.home import DISMISSED
from handoff_bot.storage import log
from tests.desk.conftest import DANA, Bureau, Json
from tests.desk.outlines import asked, shown
from tests.stored_kinds import kinds_of_events, kinds_of_jobs

WRITING = re.compile(r"/api/(chat|views|reactions|pins|files)\.|/response/|/upload/")
"""Paths of requests that show or change something; questions are cached, and none of a person's business."""
TS = re.compile(r"\b(1[78]\d{8})\.?(\d{6})\b")
"""Of a message, or within a link to one; not the seconds of a date."""
VIEW = re.compile(r"\bV0SBX\d+")
SECRET = re.compile(r"[0-9a-f]{32}|\d+\.\d{6,12}\.[0-9a-f]{32}")
FILE = re.compile(r"\bF0SBX\d+")
PORT = re.compile(r"127\.0\.0\.1:\d+")
MARK = re.compile(r"work-\d+")
SETTING = re.compile(r"[a-z][a-z_]*(\.[a-zA-Z0-9_-]+)*\.?(?<!test)(?<!system)")
PEOPLE = {"ana", "ben", "mia"}


class Recording:
    """One chapter: a bureau, and a list of what was done and what came of it."""

    def __init__(self, bureau: Bureau) -> None:
        self.bureau = bureau
        self.steps: list[Json] = []
        self._slack = bureau.slack
        self._names: dict[str, str] = {bureau.queue: "QUEUE"}
        self._names |= {getattr(bureau, one): one.upper() for one in PEOPLE}
        self._seen = bureau.slack.journal.total
        self._heard = 0
        self._settings: set[str] = set()
        self._messages: dict[str, str] = {}
        self.dismisses_the_checklist(True)
        event.listen(Engine, "before_cursor_execute", self._look)

    def dismisses_the_checklist(self, is_dismissed: bool) -> None:
        """Without a trace in the history: the checklist would be in every chapter."""
        with self.bureau.database.write() as tx:
            log.prefer(tx, DISMISSED, is_dismissed, "test", self.bureau.clock.now())

    # -- what people do

    def does(self, what: str, act: Callable[[], Any]) -> Any:
        """Do it, let everything come to rest, and write down what came of it."""
        result = act()
        self.bureau.settle()
        self._write_down(what)
        return result

    def says(self, words: str, address: str = DANA, **more: Any) -> None:
        """A customer writes."""
        self.does(f"{address} writes: {words}", lambda: self.bureau.says(words, address, **more))

    def clicks(self, who: str, action_id: str, *, ts: str = "") -> None:
        """Press a button of the newest card, or of another message."""
        where = (self.bureau.queue, ts or self.bureau.card())
        self.does(
            f"{who} clicks {action_id}", lambda: self._slack.click(self._id(who), *where, action_id)
        )

    def writes(self, who: str, words: str, **more: Any) -> str:
        """Write in the newest card's thread; says the ts."""
        where, thread = self.bureau.queue, self.bureau.card()
        reply: str = self.does(
            f"{who} writes in the thread: {words}",
            lambda: self._slack.say(self._id(who), where, words, thread, **more),
        )
        return reply

    def commands(self, who: str, words: str) -> None:
        """Type /handoff and these words."""
        self.does(
            f"{who} types /handoff {words}",
            lambda: self._slack.command(self._id(who), self.bureau.queue, "/handoff", words),
        )

    def presses(self, who: str, action_id: str, value: str | None = None, **fields: Any) -> None:
        """Press a button in the modal on top, with these fields filled in."""
        self.does(
            f"{who} presses {action_id}",
            lambda: self._slack.click_view(*self._top(who), action_id, value, fields or None),
        )

    def chooses(self, who: str, action_id: str, choice: Any) -> None:
        """Choose in a menu of the modal on top."""
        self.does(
            f"{who} chooses {choice} in {action_id}",
            lambda: self._slack.select_view(*self._top(who), action_id, choice),
        )

    def sends(self, who: str, **values: Any) -> None:
        """Fill in the modal on top and send it."""
        self.does(
            f"{who} sends {values}", lambda: self._slack.submit(*self._top(who), values or None)
        )

    def closes(self, who: str) -> None:
        """Close the modal on top."""
        self.does(f"{who} closes the modal", lambda: self._slack.close(*self._top(who)))

    def opens_home(self, who: str) -> None:
        """Open the app's Home tab."""
        self.does(f"{who} opens Home", lambda: self._slack.open_home(self._id(who)))

    def presses_in_home(self, who: str, action_id: str, value: str | None = None) -> None:
        """Press a button of the Home tab."""
        person = self._id(who)
        view = (self._slack.home(person) or {})["id"]
        self.does(
            f"{who} presses {action_id} in Home",
            lambda: self._slack.click_view(person, view, action_id, value),
        )

    def answers(self, who: str, action_id: str) -> None:
        """Press a button of the newest ephemeral message."""
        person = self._id(who)
        shown = self._slack.ephemerals(person)[-1]["ts"]
        self.does(
            f"{who} presses {action_id} of the ephemeral message",
            lambda: self._slack.click_ephemeral(person, shown, action_id),
        )

    def calls(self, who: str, shortcut: str, ts: str = "") -> None:
        """Call a shortcut, on a message if it is named."""
        place = (self.bureau.queue, ts) if ts else ()
        self.does(
            f"{who} calls {shortcut}",
            lambda: self._slack.shortcut(self._id(who), shortcut, *place),
        )

    def waits(self, **time: float) -> None:
        """Time passes."""
        self.does(f"time passes: {time}", lambda: self.bureau.later(**time))

    # -- what came of it

    def kept(self) -> Json:
        """Everything, as plain data."""
        event.remove(Engine, "before_cursor_execute", self._look)
        settings = sorted(self._named(key) for key in self._settings)
        log, jobs = kinds_of_events(self.bureau.database), kinds_of_jobs(self.bureau.database)
        return {"steps": self.steps, "log": log, "jobs": jobs, "settings": settings}

    def _look(self, _connection: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        """Which settings are stored, or asked for by their keys; a dot at the end stands for all of these."""
        if "preference" in statement and "escalation" not in statement:
            held = values.values() if isinstance(values, dict) else values
            self._settings |= {
                one for one in held if isinstance(one, str) and SETTING.fullmatch(one)
            }

    def name(self, *pairs: str) -> None:
        """Ids with their names, one after the other: snapshots hold the names."""
        self._names |= dict(zip(pairs[::2], pairs[1::2], strict=True))

    def settle(self) -> None:
        """Let everything come to rest without writing it down."""
        self.bureau.settle()
        self._seen = self._slack.journal.total

    def _top(self, who: str) -> tuple[str, str]:
        """A person, and the modal that they have on top."""
        person = self._id(who)
        return person, str(self.bureau.modal(person)["id"])

    def _id(self, who: str) -> str:
        return str(getattr(self.bureau, who)) if who in PEOPLE else who

    def _write_down(self, what: str) -> None:
        journal = self._slack.journal
        entries = [entry for _, entry in journal.after(self._seen, 10_000)]
        self._seen = journal.total
        taken = self.bureau.channel.taken[self._heard :]
        self._heard += len(taken)
        step: Json = {
            "step": what,
            "asked": [
                asked(one.request, one.response) for one in entries if one.direction == "out"
            ],
            "said": [
                {one.path.removeprefix("/api/"): shown(one.request)}
                for one in entries
                if one.direction == "in" and WRITING.match(one.path)
            ],
            "heard": [f"{message.to}: {message.text}" for message, _ in taken],
        }
        step["asked"] = [each for each in step["asked"] if each]
        self.steps.append(self._named({name: each for name, each in step.items() if each}))

    def _named(self, value: Any) -> Any:
        """Ids that differ from run to run, or with what is counted before, by names of their own."""
        if isinstance(value, dict):
            return {self._named(key): self._named(each) for key, each in value.items()}
        if isinstance(value, list):
            return [self._named(each) for each in value]
        return self._renamed(value) if isinstance(value, str) else value

    def _renamed(self, words: str) -> str:
        for one, name in self._names.items():
            words = words.replace(one, name)
        words = SECRET.sub("SECRET", words)
        words = VIEW.sub("VIEW", PORT.sub("HOST", MARK.sub("work-N", FILE.sub("FILE", words))))
        return TS.sub(self._number, words)

    def _number(self, found: re.Match[str]) -> str:
        ts = found[1] + found[2]
        return self._messages.setdefault(ts, f"ts{len(self._messages) + 1}")
