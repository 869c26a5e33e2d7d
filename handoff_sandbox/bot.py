"""The real bot with a clock that the sandbox moves: `python -m handoff_sandbox.bot CLOCK_FILE`."""

from __future__ import annotations

import sys
from pathlib import Path

from handoff_bot import app, logs
from handoff_bot.settings import read_settings
from handoff_sandbox.movable_time import FollowingClock


def main() -> None:
    """Runs the bot like `serve`."""
    settings = read_settings()
    logs.set_up(settings.LOG_LEVEL)
    app.server(settings, clock=FollowingClock(Path(sys.argv[1]))).run()


if __name__ == "__main__":
    main()
