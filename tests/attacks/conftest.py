"""A running bot to attack."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from handoff_sandbox.world import ROOT, World
from tests.attacks.house import house as house
from tests.attacks.slow import WEBSITE, Signed, allow_files

PROXIED = {**WEBSITE, "TRUSTED_PROXIES": "1"}
"""Behind a proxy, the address of a connection is the proxy's, so that it has no bound of its own."""


def running(folder: Path, more: dict[str, str]) -> Iterator[World]:
    """The real bot on SQLite, warm: it has answered a webhook and an event."""
    allow_files()
    url = f"sqlite:///{folder / 'handoff.db'}"
    with World(url, knowledge=ROOT / "knowledge", log=folder / "log") as made:
        made.start_bot(more=more)
        made.wait_until_ready()
        Signed(made).seconds(3)
        yield made


@pytest.fixture(scope="module", params=["phones", "website"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory):
    """A bot without and with the website chat."""
    more = WEBSITE if request.param == "website" else {}
    yield from running(tmp_path_factory.mktemp("bot"), more)


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory):
    """A bot with the website chat behind a proxy of its operator's."""
    yield from running(tmp_path_factory.mktemp("proxied"), PROXIED)
