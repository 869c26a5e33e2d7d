"""The registry names a handler and queues with threads for each kind of job."""

import pytest

from handoff_bot.jobs.handler import JobKind, Registry, TransactionJob


def test_a_kind_is_registered_once():
    registry = Registry({"out": 1}, [JobKind("send", TransactionJob(), "out")])
    with pytest.raises(ValueError, match="send is registered already"):
        registry.add(JobKind("send", TransactionJob(), "out"))


@pytest.mark.parametrize("queues", [(), ("elsewhere",), ("out", "elsewhere")])
def test_a_kind_needs_queues_that_have_threads(queues):
    with pytest.raises(ValueError, match="job kind send: no threads"):
        Registry({"out": 1}, [JobKind("send", TransactionJob(), *queues)])


def test_a_kind_is_found_with_its_handler_and_its_queues():
    handler = TransactionJob()
    registry = Registry({"out": 1, "in": 2}, [JobKind("send", handler, "out", "in")])
    assert (registry["send"], registry.queues["send"]) == (handler, {"out", "in"})
    assert registry.threads == {"out": 1, "in": 2}


def test_a_kind_is_also_found_by_the_name_that_earlier_versions_stored():
    handler = TransactionJob()
    registry = Registry({"out": 1}, [JobKind("send", handler, "out", formerly="post")])
    assert registry["post"] is registry["send"] is handler
    with pytest.raises(KeyError):
        registry["other"]
    assert set(registry) == {"send"}
    with pytest.raises(ValueError, match="post is registered already"):
        registry.add(JobKind("post", handler, "out"))
