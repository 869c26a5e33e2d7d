"""Chromium, pages that are watched for what must never happen, and a sandbox of each test's own."""

import base64
import hashlib
import hmac
import json
import os
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from werkzeug.serving import make_server
from werkzeug.wrappers import Response

from handoff_bot.slack.manifest import manifest
from handoff_sandbox.free_port import free_port
from handoff_sandbox.page import stage as stages
from handoff_sandbox.page.server import PageServer, origins
from handoff_sandbox.page.stage import Stage
from tests.browser import drawing_bot
from tests.browser.studio import Studio

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE = 20_000
"""Milliseconds to wait for anything."""
AXE = Path(__file__).resolve().parents[2] / "handoff_sandbox/web/node_modules/axe-core/axe.min.js"
SETTLED = (
    "new Promise((go_on) => requestAnimationFrame(() => requestAnimationFrame(go_on)))"
    ".then(() => Promise.all(document.getAnimations()"
    ".filter((one) => one.effect.getComputedTiming().endTime < Infinity)"
    ".map((one) => one.finished.catch(() => null)))).then(() => true)"
)
"""Colours change gradually: axe-core would measure those in between."""
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
HARMLESS = "Failed to load resource"
"""What the console says of every answer that is no 2xx; tests look at what follows from them."""


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Debian's; in CI it must be there."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if path is None:
        if os.environ.get("CI"):
            pytest.fail("CI must have chromium installed")
        pytest.skip("chromium is not installed")
    with sync_playwright() as playwright:
        expect.set_options(timeout=PATIENCE)
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


class Windows:
    """Opens windows and watches them: no stranger is asked, no script fails, no policy is broken."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self.complaints: list[str] = []
        self._contexts: list = []

    def open(self, url: str, **options) -> Page:
        """A window of somebody's own browser: it shares nothing with the others."""
        options = {"viewport": {"width": 1440, "height": 900}, "locale": "en-GB"} | options
        context = self._browser.new_context(**options)
        context.set_default_timeout(PATIENCE)
        self._contexts.append(context)
        page = context.new_page()
        self.watch(page)
        page.goto(url)
        return page

    def watch(self, page: Page) -> None:
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.complaints.append(f"script failed: {error}"))
        page.on("request", self._asked)

    def _heard(self, message) -> None:
        if message.type in ("error", "warning") and HARMLESS not in message.text:
            self.complaints.append(f"console: {message.text}")

    def _asked(self, request) -> None:
        address = urlsplit(request.url)
        if address.scheme in ("http", "https", "ws") and address.hostname != "127.0.0.1":
            self.complaints.append(f"asked {request.url}")

    def close(self) -> None:
        for context in self._contexts:
            context.close()


@pytest.fixture
def windows(chromium: Browser) -> Iterator[Windows]:
    """Windows; at the end nobody may have complained."""
    opened = Windows(chromium)
    yield opened
    opened.close()
    assert opened.complaints == []


class Website:
    """Somebody's website with one bare page, under the strictest policy there is."""

    def __init__(self) -> None:
        self.html, self.policy = "", ""
        self._server = make_server("127.0.0.1", 0, self._answer, threaded=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def _answer(self, environ, start_response):
        policy = {"Content-Security-Policy": self.policy}
        page = Response(self.html, mimetype="text/html", headers=policy)
        answer = page if environ["PATH_INFO"] == "/" else Response(status=204)
        return answer(environ, start_response)

    def embed(self, bot: str, attributes: str) -> None:
        """Put the widget on the page."""
        self.policy = f"default-src 'none'; script-src {bot}; connect-src {bot}; img-src 'self'"
        self.html = (
            '<!doctype html><html lang="en"><head><title>Page</title></head><body><main>'
            f'<h1>A page</h1></main><script type="module" src="{bot}/chat/widget.js" {attributes}>'
            "</script></body></html>"
        )

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class Sandbox:
    """A running sandbox and its page, and a website whose visitors the bot serves, too."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        self.website = Website()
        self.stage = Stage(folder, (*origins(port), self.website.url))
        self.page = PageServer(self.stage, port).start()
        self.url = f"{self.page.url}/sandbox"
        self.shop = f"{self.page.url}/shop/"

    def identity(self, customer: str) -> str:
        """What the website signs of a customer who is signed in there."""
        said = {"id": customer, "name": "Dana", "expires": int(time.time()) + 600}
        payload = base64.urlsafe_b64encode(json.dumps(said).encode()).decode().rstrip("=")
        secret = self.stage.website_secrets[1].encode()
        return f"{payload}.{hmac.new(secret, payload.encode(), hashlib.sha256).hexdigest()}"

    def wait_until_up(self) -> None:
        self.stage.start_bot()
        self.stage.world.wait_until_ready()

    def stop(self) -> None:
        self.page.stop()
        self.stage.stop()
        self.website.stop()


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    """A sandbox whose bot is up."""
    made = Sandbox(tmp_path)
    try:
        made.wait_until_up()
        yield made
    finally:
        made.stop()


@pytest.fixture
def studio(tmp_path, monkeypatch) -> Iterator[Studio]:
    """A page whose bot draws what the test wants; the manifest has shortcuts of both types."""
    real: dict[str, Any] = dict(manifest())
    features = real["features"] | {"shortcuts": drawing_bot.SHORTCUTS}
    monkeypatch.setattr(stages, "manifest", lambda: real | {"features": features})
    made = Studio(tmp_path)
    yield made
    made.stop()


def findings_in_both(page: Page) -> list[str]:
    """What is found on the page when it is light and when it is dark."""
    found = []
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        page.evaluate(SETTLED)
        found += [f"{scheme}: {one}" for one in findings(page)]
    return found


def findings(page: Page) -> list[str]:
    """What axe-core finds on the page as it is, if it is serious or worse."""
    if not AXE.is_file():
        if os.environ.get("CI"):
            pytest.fail("CI must have installed axe-core: run `make web`")
        pytest.skip("axe-core is not installed: run `make web`")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    result = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{one['impact']} {one['id']}: {[node['target'] for node in one['nodes']][:3]}"
        for one in result["violations"]
        if one["impact"] in ("serious", "critical")
    ]
