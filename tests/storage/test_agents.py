"""An agent's row, made when they first do something."""

import threading

import pytest

from handoff_bot.domain.desk import NAMELESS
from handoff_bot.storage import conversations
from handoff_bot.storage.models import Agent


def test_the_name_follows_the_desk(database, clock):
    for name, shown in (("Ana", "Ana"), ("Ana B.", "Ana B."), (NAMELESS, "Ana B.")):
        with database.write() as tx:
            assert conversations.agent_row(tx, "U1", name, clock.now()).name == shown


@pytest.mark.parametrize("backend", ["postgresql"])  # SQLite has one writer: nobody presses at once
def test_a_new_agent_who_presses_twice_at_once_is_one_agent(database, clock):
    both_looked = threading.Barrier(2, timeout=10)
    found: list[int] = []

    def press() -> None:
        with database.write() as tx:
            assert conversations._agent(tx, "U1") is None
            both_looked.wait()
            found.append(conversations._new_agent(tx, "U1", "Ana", clock.now()).id)

    threads = [threading.Thread(target=press) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 2
    assert len(set(found)) == 1
    with database.read() as tx:
        assert tx.session.query(Agent).count() == 1
