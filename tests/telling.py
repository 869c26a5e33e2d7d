"""Tells about the process in which it runs: `python -m tests.telling [ARGUMENTS]`, for `test_forking.py`."""

import json
import os
import signal
import sys
import threading


def _told() -> dict[str, object]:
    return {
        "arguments": sys.argv[1:],
        "environment": dict(os.environ),
        "folder": os.getcwd(),
        "leads a session": os.getsid(0) == os.getpid(),
        "signals": [str(signal.getsignal(one)) for one in (signal.SIGINT, signal.SIGTERM)],
        "threads": len(os.listdir("/proc/self/task")),
        "imported": "tests.imported" in sys.modules,
    }


if __name__ == "__main__":
    print(json.dumps(_told()), flush=True)  # noqa: T201 - what it is for
    if "fail" in sys.argv:
        print("told to fail", file=sys.stderr)  # noqa: T201
        sys.exit(7)
    if "wait" in sys.argv:
        threading.Event().wait(60)
