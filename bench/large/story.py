"""Two customers' stories, told through the front door: the rows that every copy repeats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Table, create_engine, select
from sqlmodel import SQLModel

from bench.saturation.stage import BARE, at_rest
from handoff_bot.storage import models
from handoff_sandbox.world import ROOT, World

Rows = Mapping[Table, Sequence[Mapping[str, Any]]]
ASKS, WAITS = "+15550100001", "+15550200002"
"""Addresses of the customer whom the assistant answers, and of the one who gets an agent."""
QUESTIONS = (
    "When are you open on Saturdays?",
    "How long does shipping to Austria take? I need it before the weekend.",
    "Which payment methods do you accept?",
)
REPLIES = (
    "Hello! I am looking at your order right now, it was packed on Monday.",
    "It left our warehouse this morning, and it will be with you on Thursday.",
)
ANSWERS = ("It is order 4711, and it was paid a week ago.", "Great, thank you very much!")
PATIENCE = 60.0
TABLES: Sequence[Table] = SQLModel.metadata.sorted_tables
assert models  # noqa: S101 - they fill the metadata


def told(folder: Path) -> tuple[Path, dict[str, str]]:
    """Returns the SQLite file with both stories, at rest, and the environment of its bot."""
    file = folder / "story.db"
    with World(f"sqlite:///{file}", knowledge=ROOT / "knowledge", log=folder / "log") as world:
        world.start_bot(more=BARE)
        world.wait_until_ready(PATIENCE)
        for question in QUESTIONS:
            _ask(world, ASKS, question)
        _ask(world, WAITS, "My parcel has not come.")
        _with_an_agent(world)
        world.twilio.drain(PATIENCE)
        at_rest(world.bot_url)
        return file, world.environment(BARE)


def _ask(world: World, address: str, text: str) -> None:
    """Waits for what the customer hears next."""
    before = len(world.twilio.phone(address))
    world.twilio.customer_writes("sms", address, text)
    world.twilio.wait_for(lambda: len(world.twilio.phone(address)) > before, PATIENCE)
    at_rest(world.bot_url)


def _with_an_agent(world: World) -> None:
    """From the request for a person to the end of the conversation."""
    _ask(world, WAITS, "I want to talk to a human agent")
    world.slack.wait_for(lambda: bool(world.cards()), PATIENCE)
    ts = str(world.cards()[0]["ts"])
    world.slack.click(world.ana, world.queue, ts, "claim")
    at_rest(world.bot_url)
    for reply, answer in zip(REPLIES, ANSWERS, strict=True):
        before = len(world.twilio.phone(WAITS))
        world.slack.say(world.ana, world.queue, reply, ts)
        world.twilio.wait_for(lambda: len(world.twilio.phone(WAITS)) > before, PATIENCE)  # noqa: B023 - waited for here
        world.twilio.customer_writes("sms", WAITS, answer)
        at_rest(world.bot_url)
    world.slack.click(world.ana, world.queue, ts, "resolve")
    world.slack.wait_for(lambda: bool(world.slack.views(world.ana)), PATIENCE)
    world.slack.submit(world.ana, world.slack.views(world.ana)[-1]["id"])
    at_rest(world.bot_url)


def rows_of(file: Path) -> Rows:
    """Returns all rows, as Python values, by table."""
    engine = create_engine(f"sqlite:///{file}")
    try:
        with engine.connect() as connection:
            return {
                table: [
                    dict(row)
                    for row in connection.execute(
                        select(table).order_by(*table.primary_key)
                    ).mappings()
                ]
                for table in TABLES
            }
    finally:
        engine.dispose()
