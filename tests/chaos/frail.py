"""Serves the bot with leases that run out soon: `python -m tests.chaos.frail LEASE SETTLE`, in seconds.

So that a freeze of a second outlasts a lease, as one of seven seconds does in earnest.
"""

import sys
from dataclasses import replace
from datetime import timedelta
from typing import Any

from handoff_bot.cli import main
from handoff_bot.services.container import Dependencies, Services


def hurry(lease: float, settle: float) -> None:
    """Build every core with this lease, and believe "not found" at a provider after that long."""
    build = Services.build

    def hurried(cls: type[Services], parts: Dependencies) -> Services:
        return build(replace(parts, lease=lease, settle=timedelta(seconds=settle)))

    of: Any = classmethod(hurried)
    Services.build = of  # type: ignore[method-assign]


if __name__ == "__main__":
    hurry(float(sys.argv[1]), float(sys.argv[2]))
    main(["serve"])
