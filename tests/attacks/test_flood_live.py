"""The running bot, and a crowd at its website: the card of a real customer is not behind theirs."""

import base64
import hashlib
import hmac
import json
import time
import uuid
from pathlib import Path

import pytest
import requests

from handoff_bot.domain.escalations import EscalationLimits
from handoff_sandbox.world import ROOT, World

ORIGIN = "http://127.0.0.1:5555"
PATIENCE = 40
SECRET = "identity-secret-" * 4
SETTINGS = {
    "WEBCHAT_ORIGINS": ORIGIN,
    "WEBCHAT_SECRET": "flood-secret-" * 4,
    "WEBCHAT_IDENTITY_SECRET": SECRET,
    "TRUSTED_PROXIES": "1",
    "SLACK_LIMITS": "published",
}
SESSIONS = 44
MOST = EscalationLimits().network.most


@pytest.fixture
def world(database_url: str, backend: str, tmp_path: Path):
    with World(database_url, knowledge=ROOT / "knowledge", log=tmp_path / "log") as made:
        several = {"WEB_CONCURRENCY": "2"} if backend == "postgresql" else {}
        made.start_bot(more=SETTINGS | several)
        made.wait_until_ready()
        yield made


def identity() -> str:
    said = {"id": "customer-7", "name": "Rea Customer", "expires": int(time.time()) + 600}
    payload = base64.urlsafe_b64encode(json.dumps(said).encode()).decode().rstrip("=")
    return f"{payload}.{hmac.new(SECRET.encode(), payload.encode(), hashlib.sha256).hexdigest()}"


def asks_for_a_person(http: requests.Session, world: World, address: str, **asked) -> int:
    headers = {"Origin": ORIGIN, "X-Forwarded-For": address}
    session = http.post(
        f"{world.bot_url}/chat/session", json=asked, headers=headers, timeout=PATIENCE
    )
    if session.status_code != 200:
        return session.status_code
    headers["Authorization"] = f"Bearer {session.json()['token']}"
    said = {"id": str(uuid.uuid4()), "text": "Talk to a person", "person": True}
    answer = http.post(
        f"{world.bot_url}/chat/messages", json=said, headers=headers, timeout=PATIENCE
    )
    return answer.status_code


def test_a_real_customers_card_is_posted_while_44_strangers_of_one_address_ask(world):
    def cards(name: str) -> list[str]:
        return [one["text"] for one in world.cards() if name in one["text"]]

    with requests.Session() as http:
        http.trust_env = False
        asked = [asks_for_a_person(http, world, "203.0.113.7") for _ in range(SESSIONS)]
        assert set(asked) <= {202, 429}  # new sessions of one address are limited too
        assert asked.count(202) > MOST * 2
        assert asks_for_a_person(http, world, "203.0.113.7", identity=identity()) == 202
    world.slack.wait_for(lambda: bool(cards("Rea Customer")), PATIENCE)
    world.slack.wait_for(
        lambda: any(
            "customers ask for an agent" in one["text"] for one in world.slack.messages(world.queue)
        ),
        PATIENCE,
    )
    assert len(cards("Visitor")) <= MOST * 2  # a new window of ten minutes may have begun
    world.stop_bot()
