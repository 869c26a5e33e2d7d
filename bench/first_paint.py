"""When a page with the chat widget first paints, beside one without it: `python -m bench.first_paint`.

Needs Chromium. Loads both pages by turns, each in a new browser context, so that nothing is cached.
"""

from __future__ import annotations

import os
import shutil
import statistics
import threading

from flask import Flask, Response
from playwright.sync_api import Browser, sync_playwright
from werkzeug.serving import make_server

from handoff_bot.web.chat_files import WidgetFiles

LOADS = 15
_PAINTED = """() => new Promise((resolve) => new PerformanceObserver((list) => {
  const found = list.getEntriesByName("first-contentful-paint")[0];
  if (found) resolve(found.startTime);
}).observe({ type: "paint", buffered: true }))"""
_PAGE = '<!doctype html><html lang="en"><title>Page</title><h1>A page</h1>{script}</html>'
_SCRIPT = '<script type="module" src="/chat/widget.js"></script>'


def main() -> None:
    """Prints the medians in milliseconds, and the bytes that the widget costs."""
    files, web = WidgetFiles(), Flask(__name__)

    @web.get("/chat/widget.js")
    def widget() -> Response:
        return files.answer("widget.js") or Response("", 404)

    @web.get("/<which>")
    def page(which: str) -> str:
        return _PAGE.format(script=_SCRIPT if which == "with" else "")

    server = make_server("127.0.0.1", 0, web, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        with sync_playwright() as playwright:
            path = os.environ.get("CHROMIUM") or shutil.which("chromium")
            browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
            painted = _measured(browser, f"http://127.0.0.1:{server.server_port}")
            browser.close()
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    for which, times in painted.items():
        print(f"{which:8} first contentful paint {statistics.median(times):.0f} ms (median)")  # noqa: T201
    print(f"one request of {files.packed_size / 1024:.1f} KB")  # noqa: T201


def _measured(browser: Browser, url: str) -> dict[str, list[float]]:
    painted: dict[str, list[float]] = {"without": [], "with": []}
    for _ in range(LOADS):
        for which, times in painted.items():
            context = browser.new_context()
            page = context.new_page()
            page.goto(f"{url}/{which}")
            times.append(float(page.evaluate(_PAINTED)))
            context.close()
    return painted


if __name__ == "__main__":
    main()
