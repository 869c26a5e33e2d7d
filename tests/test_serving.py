"""What whoever starts it sees when it cannot start."""

import pytest

from handoff_bot.domain.errors import ModelError
from handoff_bot.logs import JsonLines
from handoff_bot.serving import CANNOT_LOAD, FAILED, Server


def test_a_broken_model_is_one_clear_line_and_no_endless_restarts(caplog):
    def build():
        raise ModelError(
            "the detector's model file local.npz is broken; reinstall or train it again"
        )

    server = Server(build, host="127.0.0.1", port=0, processes=1, threads=2)
    with pytest.raises(SystemExit) as ended:
        server.load()

    assert ended.value.code == CANNOT_LOAD
    (line,) = caplog.records
    assert "local.npz is broken" in line.problem
    assert line.exc_info is None


def test_a_failure_at_the_start_is_one_line_without_what_the_error_quotes(caplog):
    def build():
        raise RuntimeError("INSERT INTO message VALUES ('my secret')")

    server = Server(build, host="127.0.0.1", port=0, processes=1, threads=2)
    with pytest.raises(SystemExit) as ended:
        server.load()

    assert ended.value.code == FAILED
    (line,) = caplog.records
    assert "my secret" not in JsonLines().format(line)
