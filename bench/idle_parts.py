"""Memory of one fresh process by part, as JSON: bench.idle starts it, since it must hold nothing else."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

CODE, DETECTOR, KNOWLEDGE = "the code of all modules", "the detector", "the knowledge base"
DATABASE, SLACK, REST = "the database", "Slack", "core, web and the rest"


def parts() -> dict[str, float]:
    """MB that this process grew by with each part; what calls another part is counted without it."""
    grown: dict[str, float] = {"the interpreter": _memory()}
    from handoff_bot import app

    grown[CODE] = _memory() - sum(grown.values())
    from handoff_bot.ai import composition
    from handoff_bot.ai.detector.local import LocalDetector
    from handoff_bot.settings import read_settings

    def counted(part: str, build: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any, **named: Any) -> Any:
            before, others = _memory(), sum(grown.values())
            made = build(*given, **named)
            inner = sum(grown.values()) - others
            grown[part] = grown.get(part, 0.0) + _memory() - before - inner
            return made

        return call

    load = counted(DETECTOR, LocalDetector.load)
    setattr(LocalDetector, "load", load)  # noqa: B010 - mypy forbids it otherwise
    setattr(composition, "Knowledge", counted(KNOWLEDGE, getattr(composition, "Knowledge")))  # noqa: B009,B010
    for name, part in {"Database": DATABASE, "migrate": DATABASE, "build_slack": SLACK}.items():
        setattr(app, name, counted(part, getattr(app, name)))
    counted(REST, app.build)(read_settings())
    return {part: round(grown_by, 1) for part, grown_by in grown.items()}


def _memory() -> float:
    """MB."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


if __name__ == "__main__":
    json.dump(parts(), sys.stdout)
