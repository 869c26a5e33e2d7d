"""What every bot imports and reads, done once in the process that bots are forked from.

No thread may run there: a fork has only the one that asked for it, and whatever the others had locked.
"""

import gc

from sqlalchemy.orm import configure_mappers

from handoff_bot import app, cli
from handoff_bot.ai.composition import build_ai
from handoff_sandbox import movable_time
from handoff_sandbox.world import KNOWLEDGE

__all__ = ["app", "cli", "movable_time"]

build_ai(KNOWLEDGE)  # its model stays in memory
configure_mappers()
gc.collect()
gc.freeze()  # a collection would write to each object, and pages that are written to are copied
