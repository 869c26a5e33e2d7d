"""Processor time and memory of processes, from /proc (Linux)."""

from __future__ import annotations

import os
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")


def seconds(pids: list[int]) -> dict[int, float]:
    """Processor time that each of them has used so far, in user and system mode."""
    found = {}
    for pid in pids:
        fields = _stat(pid)
        if fields:
            found[pid] = (int(fields[11]) + int(fields[12])) / TICK
    return found


def group(leader: int) -> list[int]:
    """The processes of a group: the one that was started first, then its children by age."""
    return sorted(pid for pid in _all() if (fields := _stat(pid)) and int(fields[2]) == leader)


def family(parent: int) -> list[int]:
    """A process and its children, which PostgreSQL puts into sessions of their own."""
    mine = [pid for pid in _all() if (fields := _stat(pid)) and int(fields[1]) == parent]
    return [parent, *sorted(mine)]


def memory(pid: int) -> dict[str, float]:
    """MB: `rss` counts what is shared with others in full, `pss` by share."""
    kilobytes = {
        line.split(":")[0].lower(): int(line.split()[1])
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    }
    return {name: round(kilobytes[name] / 1024, 1) for name in ("rss", "pss")}


def _all() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def _stat(pid: int) -> list[str]:
    """What /proc says of a process, from its state on; [] when it has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return []
