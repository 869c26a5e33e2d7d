"""More messages at once than the bot can relay: all arrive once and in order, and the health page tells."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from handoff_sandbox.world import ROOT, World
from tests.chaos.talks import PATIENCE, Talks

CONVERSATIONS, EACH = 6, 25
POSTS = "/api/chat.postMessage"


@pytest.fixture
def talks(database_url: str, backend: str, tmp_path: Path):
    with World(database_url, knowledge=ROOT / "knowledge", log=tmp_path / "log") as world:
        several = {"WEB_CONCURRENCY": "2"} if backend == "postgresql" else {}
        world.start_bot(more=several)
        world.wait_until_ready(PATIENCE)
        talks = Talks(world, CONVERSATIONS)
        talks.open()
        yield talks


def health(talks: Talks) -> dict[str, Any]:
    page = requests.get(f"{talks.world.bot_url}/healthz", timeout=PATIENCE)
    assert page.status_code == 200
    return dict(page.json())


def text(customer: int, number: int) -> str:
    return f"item {customer}-{number:03d}."


def write_all(talks: Talks, customer: int) -> None:
    """One customer's messages, each when the one before it was acknowledged."""
    for number in range(EACH):
        talks.insist(customer, text(customer, number))


def posted(talks: Talks, customer: int) -> list[str]:
    """What a customer wrote, as often and in the order in which it is shown in the thread."""
    thread = talks.world.slack.thread(talks.world.queue, talks.cards[customer])
    shown = [leaf for post in thread for leaf in leaves(post.get("blocks", ()))]
    return [leaf for leaf in shown if leaf.startswith(f"item {customer}-")]


def leaves(part) -> list[str]:
    """Every literal text within some blocks, in order."""
    if isinstance(part, dict):
        own = [part["text"]] if part.get("type") == "text" else []
        return own + [leaf for value in part.values() for leaf in leaves(value)]
    return [leaf for each in part for leaf in leaves(each)] if isinstance(part, list) else []


@pytest.mark.timeout(600)
def test_a_backlog_is_told_of_and_relayed_once_and_in_order(talks: Talks):
    talks.posts.close()
    with ThreadPoolExecutor(CONVERSATIONS) as customers:
        list(customers.map(lambda customer: write_all(talks, customer), talks.numbers))
    talks.until(lambda: bool(health(talks)["behind"]))
    talks.posts.open()
    talks.until(lambda: all(len(posted(talks, n)) >= EACH for n in talks.numbers), 3 * PATIENCE)
    talks.until(lambda: health(talks)["status"] == "ok")
    talks.world.slack.drain(PATIENCE)
    for customer in talks.numbers:
        shown = posted(talks, customer)
        assert [leaf for leaf, times in Counter(shown).items() if times > 1] == []
        assert shown == [text(customer, number) for number in range(EACH)]
