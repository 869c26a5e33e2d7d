import subprocess
import sys

IMPORT_ALL = """
import pkgutil, sys
from importlib import import_module

sys.modules["handoff_sandbox"] = None  # makes every import of it raise ImportError
import handoff_bot

for module in pkgutil.walk_packages(handoff_bot.__path__, "handoff_bot."):
    if not module.name.endswith("__main__") and ".migrations." not in module.name:
        import_module(module.name)
"""


def test_the_bot_can_be_imported_whole_without_the_sandbox():
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
