"""Debian's Firefox over WebDriver BiDi, which it speaks by itself: no driver has to be downloaded.

Playwright drives only a Firefox that it has patched. Protocol: https://w3c.github.io/webdriver-bidi/
"""

from __future__ import annotations

import itertools
import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import websocket

PATIENCE = 60.0
"""Seconds to wait for the browser to start, to answer and to show something."""
PREFERENCES = {
    # Of the internet it reaches nothing: everything but loopback goes to a proxy that is not there.
    "network.proxy.type": 1,
    "network.proxy.http": "127.0.0.1",
    "network.proxy.http_port": 9,
    "network.proxy.ssl": "127.0.0.1",
    "network.proxy.ssl_port": 9,
    "network.proxy.no_proxies_on": "127.0.0.1",
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,",
    "app.normandy.enabled": False,
    "browser.safebrowsing.update.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "toolkit.telemetry.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "intl.accept_languages": "en-GB",
}
INSIDE = "document.getElementById('handoff-chat').shadowRoot"
WHERE = """(() => {
  const { x, y, width, height } = %s.getBoundingClientRect();
  return JSON.stringify([Math.round(x + width / 2), Math.round(y + height / 2)]);
})()"""


class Firefox:
    """One headless Firefox with one page."""

    def __init__(self, path: str, folder: Path) -> None:
        profile = folder / "firefox"
        profile.mkdir()
        lines = (f"user_pref({json.dumps(k)}, {json.dumps(v)});" for k, v in PREFERENCES.items())
        (profile / "user.js").write_text("\n".join(lines), encoding="utf-8")
        command = [path, "--headless", "--no-remote", "--profile", str(profile)]
        with (folder / "firefox.log").open("wb") as log:
            self._process = subprocess.Popen(
                [*command, "--remote-debugging-port", "0"],
                stdout=log,
                stderr=log,
                env={
                    "HOME": str(folder),
                    "PATH": "/usr/bin:/bin",
                    "MOZ_CRASHREPORTER_DISABLE": "1",
                },
            )
        self._ids = itertools.count(1)
        self._socket: websocket.WebSocket | None = None
        try:
            address = self._address(profile / "WebDriverBiDiServer.json")
            self._socket = websocket.create_connection(
                address, timeout=PATIENCE, suppress_origin=True
            )
            self._asks("session.new", capabilities={})
            self.context = self._asks("browsingContext.getTree")["contexts"][0]["context"]
        except BaseException:
            self.stop()
            raise

    def _address(self, file: Path) -> str:
        told = self._until(lambda: file.exists() and file.read_text(encoding="utf-8"), "a socket")
        where = json.loads(told)
        return f"ws://{where['ws_host']}:{where['ws_port']}/session"

    def _until(self, look: Callable[[], Any], what: str) -> Any:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self._process.poll() is None:
            if found := look():
                return found
            time.sleep(0.05)
        raise AssertionError(f"Firefox does not show {what}")

    def _asks(self, method: str, **params: Any) -> Any:
        number = next(self._ids)
        assert self._socket is not None
        self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            answer = json.loads(self._socket.recv())
            if answer.get("id") == number:
                assert answer["type"] == "success", answer
                return answer["result"]

    def open(self, url: str) -> None:
        self._asks("browsingContext.navigate", context=self.context, url=url, wait="complete")

    def runs(self, script: str) -> Any:
        """The value of an expression: text, a number or a truth."""
        target = {"context": self.context}
        said = self._asks(
            "script.evaluate",
            expression=script,
            target=target,
            awaitPromise=True,
            userActivation=True,
        )
        assert said["type"] == "success", said
        return said["result"].get("value")

    def sees(self, condition: str) -> None:
        """Wait until this is true on the page."""
        self._until(lambda: self.runs(f"Boolean({condition})"), condition)

    def clicks(self, element: str) -> None:
        """Click with the mouse in the middle of an element, given as an expression."""
        self.sees(element)
        x, y = json.loads(self.runs(WHERE % element))
        move = {"type": "pointerMove", "x": x, "y": y}
        press = [{"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0}]
        mouse = {"type": "pointer", "id": "mouse", "actions": [move, *press]}
        self._asks("input.performActions", context=self.context, actions=[mouse])

    def types(self, text: str) -> None:
        keys = [{"type": kind, "value": key} for key in text for kind in ("keyDown", "keyUp")]
        keyboard = {"type": "key", "id": "keyboard", "actions": keys}
        self._asks("input.performActions", context=self.context, actions=[keyboard])

    def stop(self) -> None:
        if self._socket is not None:
            self._socket.shutdown()  # an orderly close would wait for the browser
        self._process.terminate()
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(timeout=20)


def button(name: str) -> str:
    """A visible button of the widget by its words or its label."""
    return (
        f"[...{INSIDE}.querySelectorAll('button')].find((one) => one.offsetParent !== null && "
        f"[one.textContent, one.getAttribute('aria-label')].includes({json.dumps(name)}))"
    )


def log_says(text: str) -> str:
    return f"{INSIDE}.querySelector('.log').innerText.includes({json.dumps(text)})"
