"""Goes through the five journeys and counts what each of them enters."""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager

from tests.journeys.world import World, running_world
from tests.tracing import Trace, Tracer

Journey = AbstractContextManager[Trace]

CLAIM = "Take Over, until card, board, notice and both customer texts are out"
INBOUND = "A WhatsApp message to the thread of a claimed conversation"
REPLY = "A thread reply, from Slack's event to Twilio, with its mark"
SETTING = "A setting saved in a modal"
CALLBACK = "A delivery callback, to the reaction on the reply"
JOURNEYS = (CLAIM, INBOUND, REPLY, SETTING, CALLBACK)

FIRST, SECOND = "+15550144", "+15550155"


def measure() -> dict[str, Trace]:
    """Journey -> what ran.

    All are made once before they are counted: what is done once for a process, and what is known for a
    while (who people are), is no part of a journey, and would depend on what ran before.
    """
    tracer = Tracer()
    with _unlogged(), tracer.installed(), running_world() as world:
        for _ in journeys(world, FIRST, "2", tracer):
            pass
        return dict(journeys(world, SECOND, "3", tracer))


@contextmanager
def _unlogged() -> Iterator[None]:
    """Without handlers of the log, which another test of this process may have set up."""
    root = logging.getLogger()
    before = root.handlers[:]
    root.handlers[:] = []
    try:
        yield
    finally:
        root.handlers[:] = before


def journeys(
    world: World, address: str, seconds: str, tracer: Tracer
) -> Iterator[tuple[str, Trace]]:
    """One customer's way from the first message to a delivered reply, and a setting in between."""
    slack, twilio = world.slack, world.twilio
    phone = f"whatsapp:{address}"
    world.customer_writes(address, "I want a person")
    card = world.card()

    def traced(name: str, act: Callable[[], object]) -> tuple[str, Trace]:
        with tracer.tracing() as trace:
            act()
            world.settle()
        return name, trace

    yield traced(CLAIM, lambda: slack.click(world.ana, world.queue, card, "claim"))
    assert [one.body for one in twilio.phone(phone) if one.body.startswith("Now")] == [
        "Now speaking with Ana."
    ]
    yield traced(INBOUND, lambda: world.customer_writes(address, "My parcel is lost"))
    assert any("My parcel is lost" in one["text"] for one in slack.thread(world.queue, card))
    replies: list[str] = []
    yield traced(
        REPLY, lambda: replies.append(slack.say(world.ana, world.queue, "Hello Dana", card))
    )
    sent = twilio.phone(phone)[-1]
    assert sent.body == "Hello Dana"
    yield saved(world, seconds, traced)
    path = sent.callback.removeprefix(twilio.public_base_url)
    fields = {"MessageSid": sent.sid, "MessageStatus": "delivered", "To": sent.to}
    form = {**fields, "From": sent.sender, "AccountSid": twilio.account_sid}
    yield traced(CALLBACK, lambda: twilio.webhook(path, form))
    assert "white_check_mark" in slack.reactions(world.queue, replies[0])


def saved(
    world: World, seconds: str, traced: Callable[[str, Callable[[], object]], tuple[str, Trace]]
) -> tuple[str, Trace]:
    """The modal is open already; saving it is what counts."""
    slack = world.slack
    slack.command(world.mia, world.queue, "/handoff", "settings team")
    world.settle()
    view = slack.views(world.mia)[-1]["id"]
    found = traced(SETTING, lambda: slack.submit(world.mia, view, {"hold_seconds": seconds}))
    assert world.core.preferences.get("hold_seconds", None) == int(seconds)
    world.core.preferences.change("hold_seconds", None, "test")
    return found


def table(traces: Mapping[str, Trace]) -> str:
    """The numbers as Markdown; calls and moves depend a little on which threads wait for each other."""
    lines = [
        "| journey | files entered | distinct functions | calls | moves between files |",
        "|---|--:|--:|--:|--:|",
    ]
    for name, trace in traces.items():
        counts = (len(trace.files), len(trace.functions), trace.calls, trace.moves)
        lines.append(f"| {name} | {' | '.join(f'{count:,}' for count in counts)} |")
    return "\n".join(lines)
