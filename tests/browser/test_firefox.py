"""The chat widget in Firefox: opened, written in, answered, and its buttons."""

import os
import shutil
from collections.abc import Iterator

import pytest

from tests.browser.firefox import INSIDE, Firefox, button, log_says

pytestmark = [pytest.mark.browser, pytest.mark.thorough]


@pytest.fixture
def firefox(tmp_path) -> Iterator[Firefox]:
    """Debian's; in CI it must be there."""
    path = os.environ.get("FIREFOX") or shutil.which("firefox-esr") or shutil.which("firefox")
    if path is None:
        if os.environ.get("CI"):
            pytest.fail("CI must have firefox-esr installed")
        pytest.skip("firefox-esr is not installed")
    browser = Firefox(path, tmp_path)
    yield browser
    browser.stop()


def test_the_widget_works_in_firefox(sandbox, firefox):
    world = sandbox.stage.world
    firefox.open(sandbox.shop)
    firefox.runs("window.failures = []; addEventListener('error', (e) => failures.push(e.message))")
    firefox.clicks(button("Open chat"))
    firefox.sees(f"{INSIDE}.activeElement?.tagName === 'TEXTAREA'")
    firefox.types("How long does delivery take?\ue007")
    firefox.sees(log_says("Assistant (automatic)"))
    firefox.sees(log_says("Standard delivery takes 2 to 4 working days"))

    firefox.clicks(button("Talk to a person"))
    firefox.clicks(button("Leave the queue"))
    firefox.clicks(button("Keep waiting"))
    firefox.sees(f"{INSIDE}.querySelector('.status').textContent.includes('number 1')")
    world.slack.wait_for(lambda: bool(world.cards()), 20)
    card = str(world.cards()[0]["ts"])
    world.slack.click(world.ana, world.queue, card, "claim")
    world.slack.say(world.ana, world.queue, "Hello you", card)
    firefox.sees(log_says("Hello you"))
    world.slack.say(world.ana, world.queue, "!resolve", card)
    firefox.clicks(button("5"))
    firefox.sees(log_says("Thank you"))
    assert firefox.runs("failures.length") == 0

    firefox.clicks(button("Send by e-mail"))
    firefox.types("dana@example.com\ue007")
    world.slack.wait_for(lambda: bool(sandbox.stage.look()["mail"]), 20)
