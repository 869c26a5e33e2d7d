"""Sends prepared HTTP requests at a steady rate over kept connections, from a process of its own."""

from __future__ import annotations

import http.client
import json
import sys
import threading
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Shot:
    """One request to be, and when: seconds after the start."""

    at: float
    path: str
    body: str
    headers: dict[str, str]


def fire(
    host: str, port: int, shots: list[Shot], connections: int, patience: float
) -> dict[str, object]:
    """Send all shots at their times; stop `patience` seconds after the last one was due.

    Returns:
        "sent": shot number -> time.time() when it was sent; "acked": those answered with 200, and when.
    """
    sent: dict[int, float] = {}
    acked: dict[int, float] = {}
    start = time.monotonic() + 0.2
    end = start + shots[-1].at + patience
    lanes = [list(enumerate(shots))[n::connections] for n in range(connections)]

    def run(mine: list[tuple[int, Shot]]) -> None:
        line = http.client.HTTPConnection(host, port, timeout=max(0.1, end - time.monotonic()))
        for number, shot in mine:
            time.sleep(max(0.0, start + shot.at - time.monotonic()))
            if time.monotonic() > end:
                return
            sent[number] = time.time()
            try:
                line.request("POST", shot.path, shot.body, shot.headers)
                answer = line.getresponse()
                answer.read()
            except OSError:
                line.close()
                continue
            if answer.status == 200 and time.monotonic() <= end:
                acked[number] = time.time()
        line.close()

    threads = [threading.Thread(target=run, args=(lane,)) for lane in lanes if lane]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {"sent": sent, "acked": acked}


def main() -> None:
    """Read {"host", "port", "shots", "connections", "patience"} as JSON, print what came of it."""
    sys.setswitchinterval(0.0005)
    order = json.load(sys.stdin)
    order["shots"] = [Shot(**shot) for shot in order["shots"]]
    json.dump(fire(**order), sys.stdout)


if __name__ == "__main__":
    main()
