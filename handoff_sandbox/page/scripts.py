"""Scripted customers: their lines, and the player."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from handoff_sandbox.page.phones import App, Phone, Phones
from handoff_sandbox.page.sample_files import Attached, picture, voice_note
from handoff_sandbox.twilio import TwilioStandIn

ANSWER = 6.0
"""Seconds that a customer waits for a reply before they continue."""
PAUSE = 1.2
"""Seconds that a customer needs to write."""


@dataclass(frozen=True)
class Script:
    """A script: a name, an app, and lines; `count` customers play it at once."""

    name: str
    label: str
    help: str
    who: str
    app: App
    lines: tuple[str | Attached, ...]
    count: int = 1


SCRIPTS: tuple[Script, ...] = (
    Script(
        "angry-spanish",
        "Angry in Spanish",
        "Lucía's parcel is late for the third time, and she has had enough.",
        "Lucía",
        "whatsapp",
        (
            "Hola, ¿dónde está mi pedido?",
            "Ya he mirado ahí y no pone nada. Es la tercera vez que me pasa.",
            "Esto es una vergüenza, sois unos inútiles. ¡Estoy harta!",
        ),
    ),
    Script(
        "asks-twice",
        "Asks twice",
        "Tom asks the same question repeatedly, because the answer does not help him.",
        "Tom",
        "sms",
        (
            "My tracking has not changed for five days, where is my parcel?",
            "I know that page. Where is my parcel? The tracking has not changed for five days.",
            "Again: tracking not updated for five days. Where is my parcel??",
        ),
    ),
    Script(
        "accepts-transfer",
        "Accepts a transfer",
        (
            "Priya asks a question that the assistant cannot answer, and accepts a "
            "transfer to an agent."
        ),
        "Priya",
        "whatsapp",
        (
            "Can you embroider a name on the shirt before you ship it?",
            "And could it be done in Devanagari letters?",
            "Yes please, connect me",
        ),
    ),
    Script(
        "sarcastic",
        "Sarcastic",
        "Max praises the service sarcastically.",
        "Max",
        "sms",
        (
            "When will my order arrive?",
            "Oh great, another automatic answer. Really brilliant service, well done.",
            "Fantastic. Three weeks and still nothing. You must be so proud.",
        ),
    ),
    Script(
        "order-status",
        "Where is my order?",
        "Nora asks about an order. The assistant looks it up in the shop's stand-in: see the journal.",
        "Nora",
        "sms",
        ("Where is my order 4711?",),
    ),
    Script(
        "voice-note",
        "Sends voice notes",
        "Ida speaks instead of writing. The language model's stand-in transcribes her.",
        "Ida",
        "whatsapp",
        (
            voice_note("How long do I have to return something?"),
            voice_note("I want to talk to a person, please."),
        ),
    ),
    Script(
        "picture",
        "Sends a picture",
        "Omar sends a picture of what arrived. The language model's stand-in describes it.",
        "Omar",
        "whatsapp",
        (
            picture(
                "A grey jumper with a hole in the left sleeve.",
                "It arrived like this. I want to talk to a person.",
            ),
        ),
    ),
    Script(
        "ten-at-once",
        "Ten at once",
        "Ten customers ask for an agent in the same second.",
        "Customer",
        "whatsapp",
        ("I want to talk to a person, please",),
        count=10,
    ),
)


class Player:
    """Plays scripts; ends with the world.

    Args:
        before: what a script needs, by its name.
    """

    def __init__(
        self,
        twilio: TwilioStandIn,
        phones: Phones,
        before: Mapping[str, Callable[[], None]] | None = None,
    ) -> None:
        self._before = before or {}
        self._twilio = twilio
        self._phones = phones
        self._ending = threading.Event()
        self._lock = threading.Lock()
        self._running: dict[str, int] = {}
        self._threads: list[threading.Thread] = []

    def shown(self) -> list[dict[str, object]]:
        """Returns all scripts in the page's format."""
        with self._lock:
            running = {name for name, count in self._running.items() if count}
        return [
            {"name": s.name, "label": s.label, "help": s.help, "running": s.name in running}
            for s in SCRIPTS
        ]

    def play(self, name: str) -> list[Phone]:
        """Starts a script; returns the names of its customers while they play.

        Raises:
            LookupError: the script does not exist.
        """
        script = next((one for one in SCRIPTS if one.name == name), None)
        if script is None:
            raise LookupError(f"Unknown script: {name!r}.")
        names = [script.who] if script.count == 1 else _numbered(script)
        people = [self._phones.add(who) for who in names]
        for person in people:
            self._start(script, person)
        return people

    def stop(self) -> None:
        """Stops all customers."""
        self._ending.set()
        for thread in self._threads:
            thread.join()

    def _start(self, script: Script, person: Phone) -> None:
        thread = threading.Thread(target=self._run, args=[script, person], daemon=True)
        with self._lock:
            self._running[script.name] = self._running.get(script.name, 0) + 1
            self._threads = [one for one in self._threads if one.is_alive()] + [thread]
            thread.start()

    def _run(self, script: Script, person: Phone) -> None:
        try:
            self._before.get(script.name, _nothing)()
            for line in script.lines:
                if self._ending.is_set():
                    return
                self._say(script.app, person, line)
        finally:
            with self._lock:
                self._running[script.name] -= 1

    def _say(self, app: App, person: Phone, line: str | Attached) -> None:
        """Writes, waits for a reply as long as a person would, and pauses."""
        address = f"whatsapp:{person.address}" if app == "whatsapp" else person.address
        heard = len(self._twilio.phone(address))
        text, media = (line, []) if isinstance(line, str) else (line.text, [line.as_media])
        self._twilio.customer_writes(
            app, person.address, text, media=media, profile_name=person.name
        )
        waited = 0.0
        while waited < ANSWER and len(self._twilio.phone(address)) == heard:
            if self._ending.wait(0.1):
                return
            waited += 0.1
        self._ending.wait(PAUSE)


def _nothing() -> None:
    pass


def _numbered(script: Script) -> list[str]:
    return [f"{script.who} {number}" for number in range(1, script.count + 1)]
