"""A busy hour on the wire: Slack enforces what it publishes, and never has to."""

import pytest

from handoff_bot.slack.limits import LIMITS

CUSTOMERS = [f"+155501{n:02d}" for n in range(8)]


@pytest.fixture
def limits():
    return LIMITS


def waits(bureau, seconds):
    for _ in range(seconds):
        bureau.later(seconds=1)


def refused(bureau):
    return [entry.path for entry in bureau.slack.journal.entries("slack") if entry.status == 429]


def text_of(post):
    """What a post says literally."""
    rich = [block for block in post["blocks"] if block["type"] == "rich_text"]
    return [
        leaf["text"] for block in rich for line in block["elements"] for leaf in line["elements"]
    ]


def test_everybody_writes_at_once_and_slack_refuses_nothing(bureau):
    for address in CUSTOMERS:
        bureau.says("I want a human", address)
    waits(bureau, 20)
    assert len(bureau.cards()) == len(CUSTOMERS)
    for _ in range(2):
        for address in CUSTOMERS:
            for words in ("one", "two", "three"):
                bureau.says(f"{words} from {address}", address)
        waits(bureau, 2)
    for card in bureau.cards():
        bureau.click(bureau.ana, "claim", ts=card["ts"])
    waits(bureau, 60)
    assert refused(bureau) == []
    for card, address in zip(bureau.cards(), CUSTOMERS, strict=True):
        assert "Assigned to Ana" in card["text"]
        posts = bureau.slack.thread(bureau.queue, card["ts"])[1:]
        said = [text for post in posts for text in text_of(post) if text.endswith(address)]
        assert said == [f"{words} from {address}" for words in ("one", "two", "three")] * 2
        assert len(posts) < 8  # what waited went together


def test_when_slack_does_refuse_all_wait_as_long_as_it_asks(bureau):
    bureau.says("I want a human")
    waits(bureau, 10)
    bureau.slack.faults.add("/api/chat.postMessage", status=429, retry_after=20, count=1)
    bureau.says("Anybody?")
    bureau.says("I want a human", "+15559")
    before = len(bureau.slack.journal.entries("slack", "/api/chat.postMessage"))
    waits(bureau, 18)
    assert len(bureau.slack.journal.entries("slack", "/api/chat.postMessage")) == before
    waits(bureau, 8)
    assert len(bureau.cards()) == 2
    assert any("Anybody?" in text for text in bureau.thread(bureau.cards()[0]["ts"]))
