"""What a bot costs that nobody talks to: processor time, and memory by part: `python -m bench.idle`.

It writes bench/results/idle.json. The parts are the growth of one fresh process while it loads and builds
what the bot is made of, in the order in which app.py does.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.provenance import provenance
from bench.saturation import processes
from handoff_sandbox.world import ROOT, World

RESULTS = ROOT / "bench" / "results" / "idle.json"


def measure(seconds: float) -> dict[str, Any]:
    """A bot at rest, and the parts of another one on the same database."""
    with tempfile.TemporaryDirectory(prefix="handoff-bench-") as name:
        folder = Path(name)
        url = f"sqlite:///{folder / 'handoff.db'}"
        with World(url, knowledge=ROOT / "knowledge", log=folder / "log") as world:
            for _ in range(
                2
            ):  # the second start finds its tables made, as every start but the first
                world.stop_bot()
                world.start_bot(more={"LOG_LEVEL": "warning"})
                world.wait_until_ready(60)
            time.sleep(10)  # what it does once after its start
            pids = processes.group(world.pid)
            before = processes.seconds(pids)
            time.sleep(seconds)
            used = sum(processes.seconds(pids).values()) - sum(before.values())
            memory = [processes.memory(pid) for pid in pids]
            done = subprocess.run(
                [sys.executable, "-m", "bench.idle_parts"],
                env=world.environment(),
                cwd=ROOT,
                stdout=subprocess.PIPE,
                check=True,
                timeout=120,
            )
    found = json.loads(done.stdout)
    found["server, threads and connections"] = round(memory[-1]["rss"] - sum(found.values()), 1)
    return {
        "seconds": seconds,
        "core_share": round(used / seconds, 4),
        "serving_process_mb": memory[-1]["rss"],
        "all_processes_mb": round(sum(each["pss"] for each in memory), 1),
        "parts_mb": found,
    }


def main() -> None:
    """Measure, print, and keep the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long to watch")
    options = parser.parse_args()
    text = json.dumps({**provenance(), **measure(options.seconds)}, indent=2)
    sys.stdout.write(f"{text}\n")
    RESULTS.write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
