"""Waiting for listeners, without guessing how long they take."""

import threading
from concurrent.futures import ThreadPoolExecutor

PATIENCE = 10


def rest(listeners: ThreadPoolExecutor) -> None:
    """Until all that was asked of these threads before has been done."""
    count = listeners._max_workers
    gathered = threading.Barrier(count)
    for waiting in [listeners.submit(gathered.wait, PATIENCE) for _ in range(count)]:
        waiting.result()
