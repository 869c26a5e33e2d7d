"""The doctor's checks of the clock and the disk say what to do."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from handoff_bot import app
from handoff_bot.slack.checks import examine

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


class Answer(dict):
    def __init__(self, date):
        super().__init__(user="handoff", team="Acme")
        self.headers = {"Date": date} if date else {}


def clock_check(date):
    client = SimpleNamespace(auth_test=lambda: Answer(date), conversations_history=lambda **_: None)
    found = [one for one in examine(client, "C1", lambda: NOW) if one.what == "clock, by Slack"]
    return found[0] if found else None


def http_date(at):
    return at.strftime("%a, %d %b %Y %H:%M:%S GMT")


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, None), (-30, None), (30, None), (-31, "31 seconds ahead of"), (400, "400 seconds behind")],
)
def test_a_clock_that_is_wrong_is_named_with_what_to_do(seconds, said):
    found = clock_check(http_date(NOW + timedelta(seconds=seconds)))
    assert found.ok is (said is None)
    if said:
        assert said in found.words
        assert "timedatectl set-ntp true" in found.words


@pytest.mark.parametrize("date", [None, "yesterday", ""])
def test_a_service_that_tells_no_time_is_not_compared_with(date):
    assert clock_check(date) is None


@pytest.mark.parametrize(("free", "is_enough"), [(2 * 1024**3, True), (100 * 1024**2, False)])
def test_a_full_disk_is_named_before_messages_are_refused(monkeypatch, tmp_path, free, is_enough):
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=free))
    found = app.check_disk(f"sqlite:///{tmp_path / 'handoff.db'}")
    assert found.ok is is_enough
    assert str(tmp_path) in found.words
    assert ("make room" in found.words) is not is_enough
