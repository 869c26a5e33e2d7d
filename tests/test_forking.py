"""A forked bot is a process like any other, and nothing but its start is quicker."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.forking import ROOT, Forked

PATIENCE = 30
ENVIRONMENT = {
    "PYTHONPATH": str(ROOT),
    "PATH": os.defpath,
    "LC_ALL": "C.UTF-8",  # without, Python sets a locale itself
    "SAID": "by the test",
}
TELL = ("-m", "tests.telling")

pytestmark = pytest.mark.thorough


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


def test_it_is_as_a_new_process_would_be(log: Path):
    arguments = (*TELL, "one", "two")
    forked = Forked(arguments, ENVIRONMENT, log)
    assert forked.wait(PATIENCE) == 0
    new = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=ENVIRONMENT,
        capture_output=True,
        check=True,
        start_new_session=True,
    )
    expected = json.loads(new.stdout)
    del expected["imported"]
    told = json.loads(log.read_text().splitlines()[0])
    assert told.pop("imported") is True
    assert told == expected


def test_its_errors_are_in_its_log_and_its_exit_code_is_known(log: Path):
    forked = Forked((*TELL, "fail"), ENVIRONMENT, log)
    assert forked.wait(PATIENCE) == 7
    assert forked.poll() == 7
    assert "told to fail" in log.read_text()


def test_it_leads_a_session_and_can_be_frozen_and_killed(log: Path):
    forked = Forked((*TELL, "wait"), ENVIRONMENT, log)
    assert (os.getsid(forked.pid), os.getpgid(forked.pid)) == (forked.pid, forked.pid)
    os.killpg(forked.pid, signal.SIGSTOP)
    assert forked.poll() is None
    with pytest.raises(subprocess.TimeoutExpired):
        forked.wait(0)
    os.killpg(forked.pid, signal.SIGKILL)
    assert forked.wait(PATIENCE) == -signal.SIGKILL


def test_it_ends_when_asked(log: Path):
    forked = Forked((*TELL, "wait"), ENVIRONMENT, log)
    forked.terminate()
    assert forked.wait(PATIENCE) == -signal.SIGTERM
