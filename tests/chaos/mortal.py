"""Serves the bot, and kills its own process with SIGKILL right before or right after its Nth commit.

`python -m tests.chaos.mortal N before|after`: so that a crash can be put between any two recorded steps.
"""

import itertools
import os
import signal
import sys

from sqlalchemy import event
from sqlalchemy.orm import Session

from handoff_bot.cli import main


def die_at(number: int, when: str) -> None:
    """Count commits from here on, and die at this one."""
    commits = itertools.count(1)

    def maybe(_session: Session) -> None:
        if next(commits) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Session, f"{when}_commit", maybe)


if __name__ == "__main__":
    die_at(int(sys.argv[1]), sys.argv[2])
    main(["serve"])
