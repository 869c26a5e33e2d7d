"""How long a newcomer waits: from `git clone` to a page that answers, by the README's commands.

`python -m bench.clone_to_page`; the package cache should be warm. What is cloned is what is committed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import requests

from handoff_sandbox.free_port import free_port
from handoff_sandbox.world import ROOT

RESULT = Path(__file__).parent / "results" / "clone_to_page.json"
PATIENCE = 300.0
"""Seconds to wait before giving up."""


def main() -> None:
    """Measure, print, and keep the result when asked to."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--write", action="store_true", help=f"write {RESULT.name}")
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="handoff-clone-") as folder:
        result = measure(Path(folder) / "handoff")
    text = json.dumps(result, indent=2)
    print(text)  # noqa: T201 - a command's output
    if options.write:
        RESULT.write_text(text + "\n", encoding="utf-8")


def measure(clone: Path) -> dict[str, object]:
    """Seconds until the page answers, and until the bot behind it is up."""
    port = free_port()
    began = time.monotonic()
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)  # noqa: S603, S607
    run = subprocess.Popen(
        ["make", "run"],  # noqa: S607 - whichever make this machine has
        cwd=clone,
        env=_environment(port),
        stdout=sys.stderr,
        start_new_session=True,
    )
    try:
        page = _wait(began, lambda: _page_answers(port))
        bot = _wait(began, lambda: _bot_is_up(port))
    finally:
        os.killpg(run.pid, signal.SIGTERM)
        run.wait(timeout=60)
    return {
        "page_answers_seconds": round(page, 1),
        "bot_is_up_seconds": round(bot, 1),
        "python": platform.python_version(),
        "machine": platform.machine(),
    }


def _environment(port: int) -> dict[str, str]:
    """What a newcomer's shell has: no credentials, and no virtual environment of ours."""
    ours = ("SLACK_", "TWILIO_", "OPENAI_", "WEBCHAT_", "VIRTUAL_ENV", "VENV", "PYTHONPATH")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return kept | {"PORT": str(port)}


def _wait(began: float, happened: Callable[[], bool]) -> float:
    while time.monotonic() - began < PATIENCE:
        if happened():
            return time.monotonic() - began
        time.sleep(0.1)
    raise TimeoutError("the page did not come")


def _page_answers(port: int) -> bool:
    return bool(_get(port, "/sandbox"))


def _bot_is_up(port: int) -> bool:
    answer = _get(port, "/sandbox/api/state")
    return answer is not None and answer.json()["values"]["world"]["bot"]["state"] == "up"


def _get(port: int, path: str) -> requests.Response | None:
    with requests.Session() as session:
        session.trust_env = False
        try:
            answer = session.get(f"http://127.0.0.1:{port}{path}", timeout=5)
        except requests.RequestException:
            return None
    return answer if answer.ok else None


if __name__ == "__main__":
    main()
