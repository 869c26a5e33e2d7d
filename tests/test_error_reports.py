"""Reports to Sentry: what is sent of an error, and that no customer's data is, whatever an error quotes."""

import json
import logging
import subprocess
import sys
import threading
import time

import pytest
from pydantic import BaseModel, SecretStr
from sqlalchemy import create_engine, text

from handoff_bot import error_reports
from handoff_bot.domain.errors import HandoffError, SettingsError
from handoff_bot.jobs.handler import ProviderJob
from handoff_bot.jobs.job import NewJob, enqueue_job, of_arrival, traced
from handoff_bot.jobs.worker import Worker
from handoff_bot.logs import JsonLines
from handoff_bot.settings import read_settings
from handoff_bot.spans import trace_id
from handoff_bot.web.application import create_web
from tests.receiver import Receiver
from tests.test_settings import COMPLETE

SECRETS = (
    "Dana Rivers",
    "+15550144",
    "15550144",
    "dana@example.com",
    "my card is 4111 1111 1111 1111",
    "xoxb-secret-token",
)
HOSTILE = "; ".join(SECRETS)
log = logging.getLogger("handoff_bot.test")


@pytest.fixture
def sentry():
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def stop(sentry):
    """Reports of this process go to the stand-in; call it to send the last ones."""
    ends = error_reports.start(dsn(sentry))
    assert ends
    yield ends
    ends()


def dsn(sentry: Receiver) -> str:
    return sentry.url.replace("http://", "http://public-key@") + "/42"


def assert_nothing_private(sentry: Receiver) -> None:
    sent = b"".join(sentry.bodies).decode()
    assert [secret for secret in SECRETS if secret in sent] == []


def raised(error: Exception) -> Exception:
    """The same, with a frame whose local variable is private."""
    private = HOSTILE
    try:
        raise error
    except type(error) as caught:
        assert private
        return caught


def test_an_error_is_sent_with_its_type_its_place_and_the_trace(sentry, stop):
    trace = of_arrival("sms:SM1")
    with traced(trace):
        log.error("work failed", extra={"work_id": 7, "kind": "send"}, exc_info=raised(KeyError(1)))
    stop()
    (event,) = sentry.events()
    assert event["logentry"] == {"message": "work failed"}
    assert (event["logger"], event["level"]) == ("handoff_bot.test", "error")
    assert event["tags"] == {
        "trace": trace,
        "otel_trace_id": trace_id(trace),
        "work_id": "7",
        "kind": "send",
    }
    (exception,) = event["exception"]["values"]
    assert (exception["type"], exception["value"]) == ("KeyError", "")
    (frame,) = exception["stacktrace"]["frames"]
    assert frame["function"] == "raised"
    assert frame["filename"].endswith("tests/test_error_reports.py")
    assert event["release"].startswith("handoff@")
    assert event.keys() <= error_reports._SENT
    assert "public-key" in sentry.heads[0]


def test_warnings_are_not_sent(sentry, stop):
    log.warning("work failed")
    stop()
    assert sentry.bodies == []


class Address(BaseModel):
    number: int


def integrity_error() -> Exception:
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        connection.execute(text("create table contact (name text primary key)"))
        connection.execute(text("insert into contact values (:name)"), {"name": HOSTILE})
        try:
            connection.execute(text("insert into contact values (:name)"), {"name": HOSTILE})
        except Exception as error:
            return error
    raise AssertionError("the second row was taken")


def invalid_input() -> Exception:
    try:
        Address.model_validate({"number": HOSTILE})
    except ValueError as error:
        return error
    raise AssertionError("it was valid")


def chained() -> Exception:
    try:
        try:
            Address.model_validate({"number": HOSTILE})
        except ValueError as inner:
            raise HandoffError(HOSTILE) from inner
    except HandoffError as error:
        error.add_note(HOSTILE)
        return error
    raise AssertionError("it was valid")


def group() -> Exception:
    return raised(ExceptionGroup(HOSTILE, [ValueError(HOSTILE), integrity_error()]))


@pytest.mark.parametrize(
    "make",
    [
        lambda: raised(ValueError(HOSTILE)),
        lambda: raised(UnicodeDecodeError("utf-8", HOSTILE.encode(), 0, 1, HOSTILE)),
        lambda: raised(KeyError(HOSTILE)),
        integrity_error,
        invalid_input,
        chained,
        group,
    ],
    ids=["text", "bytes", "key", "SQL parameters", "pydantic input", "chain and note", "group"],
)
def test_no_text_of_an_exception_is_sent(sentry, stop, make):
    log.exception("work failed", exc_info=make())
    stop()
    assert len(sentry.events()) == 1
    assert_nothing_private(sentry)


def test_no_argument_and_no_unknown_field_of_a_log_line_is_sent(sentry, stop):
    log.error("work failed for %s", HOSTILE)
    log.error("work failed", extra={"why": HOSTILE, "lane": "in:sms:+15550144", "kind": HOSTILE})
    log.error(ValueError(HOSTILE))
    stop()
    assert len(sentry.events()) == 3
    assert all("kind" not in event.get("tags", {}) for event in sentry.events())
    assert_nothing_private(sentry)


def test_of_a_library_only_its_logger_and_the_type_are_sent(sentry, stop):
    logging.getLogger("slack_sdk").error(f"failed: {HOSTILE}", exc_info=raised(OSError(HOSTILE)))  # noqa: G004
    stop()
    (event,) = sentry.events()
    assert (event["logger"], event["logentry"]["message"]) == ("slack_sdk", "error in a library")
    assert event["exception"]["values"][0]["type"] == "OSError"
    assert_nothing_private(sentry)


def test_nothing_of_a_request_is_sent_or_logged(sentry, stop, caplog):
    def fail(name):
        raise RuntimeError(HOSTILE)

    web = create_web([])
    web.add_url_rule("/hook/<name>", view_func=fail, methods=["POST"])
    answer = web.test_client().post(
        f"/hook/{HOSTILE}?Body={HOSTILE}",
        data={"Body": HOSTILE},
        headers={"X-Name": HOSTILE, "Cookie": f"visitor={HOSTILE}", "Authorization": HOSTILE},
    )
    stop()
    assert answer.status_code == 500
    (event,) = sentry.events()
    assert event["exception"]["values"][0]["type"] == "RuntimeError"
    assert_nothing_private(sentry)
    lines = [JsonLines().format(record) for record in caplog.records]
    assert [secret for secret in SECRETS if secret in str(lines)] == []


@pytest.mark.on_sqlite
def test_nothing_of_a_job_is_sent_but_its_kind_and_number(sentry, stop, database, clock):
    class Fails(ProviderJob):
        def prepare(self, tx, job):
            return job.payload

        def call(self, plan):
            raise RuntimeError(plan["text"])

    worker = Worker(database, {"send": Fails()}, clock, threads={"out": 1})
    with traced(of_arrival("sms:SM1")), database.write() as tx:
        enqueue_job(tx, NewJob("send", "out:+15550144", {"text": HOSTILE}, clock.now()))
    worker.run_once()
    stop()
    (event,) = sentry.events()
    assert event["tags"]["kind"] == "send"
    assert event["tags"]["trace"] == of_arrival("sms:SM1")
    assert_nothing_private(sentry)


def test_what_ends_a_thread_is_sent(sentry, monkeypatch):
    printed = []
    monkeypatch.setattr(threading, "excepthook", printed.append)
    ends = error_reports.start(dsn(sentry))
    assert ends

    def fail() -> None:
        raise ValueError(HOSTILE)

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    ends()
    (event,) = sentry.events()
    assert (event["level"], event["exception"]["values"][0]["type"]) == ("fatal", "ValueError")
    assert len(printed) == 1
    assert_nothing_private(sentry)


def test_a_process_that_cannot_start_still_reports_why(sentry):
    program = (
        "import sys; from handoff_bot import error_reports; error_reports.start(sys.argv[1]);"
        f"raise RuntimeError({HOSTILE!r})"
    )
    subprocess.run([sys.executable, "-c", program, dsn(sentry)], capture_output=True, check=False)
    (event,) = sentry.events()
    assert event["exception"]["values"][0]["type"] == "RuntimeError"
    assert_nothing_private(sentry)


def test_whatever_else_uses_the_sdk_is_reduced_to_the_same_parts():
    event = {"request": {"data": HOSTILE}, "user": {}, "extra": {}, "server_name": "x"}
    assert error_reports._only_sent({**event, "level": "error"}, {}) == {"level": "error"}


def test_a_server_that_does_not_answer_holds_nothing_up(sentry):
    sentry.gate.clear()
    ends = error_reports.start(dsn(sentry))
    assert ends
    began = time.monotonic()
    for _ in range(500):  # the queue holds 100
        log.error("work failed")
    logged = time.monotonic() - began
    ends()
    assert logged < 5
    assert time.monotonic() - began < logged + error_reports.FLUSH_SECONDS + 3
    sentry.gate.set()


def test_without_the_setting_nothing_is_reported():
    before = logging.getLogger().handlers[:]
    assert error_reports.start("") is None
    assert logging.getLogger().handlers == before
    assert list(error_reports.check("")) == []


def test_without_the_extra_one_line_says_how_to_install_it(sentry, monkeypatch, caplog):
    monkeypatch.setattr("handoff_bot.error_reports.find_spec", lambda _: None)
    assert error_reports.start(dsn(sentry)) is None
    assert [line.why for line in caplog.records] == [error_reports.INSTALL]
    (result,) = error_reports.check(dsn(sentry))
    assert (result.ok, result.words) == (False, error_reports.INSTALL)


def test_the_doctor_asks_whether_the_server_answers(sentry):
    (result,) = error_reports.check(dsn(sentry))
    assert (result.ok, result.words) == (True, "127.0.0.1 can be reached")
    assert sentry.events() == []


def test_the_doctor_warns_of_a_server_that_does_not_answer():
    (result,) = error_reports.check("http://key@127.0.0.1:1/42")
    assert result.ok
    assert result.words.startswith("warning: 127.0.0.1 does not answer")


@pytest.mark.parametrize(
    "wrong",
    ["errors.example.org", "https://errors.example.org/1", "https://key@errors.example.org/"],
)
def test_a_malformed_address_is_refused_without_showing_it(wrong):
    with pytest.raises(SettingsError, match="SENTRY_DSN: must be") as error:
        read_settings({**COMPLETE, "SENTRY_DSN": wrong})
    assert wrong not in str(error.value)


def test_the_key_of_the_project_is_a_secret():
    settings = read_settings({**COMPLETE, "SENTRY_DSN": "https://hidden@sentry.example.com/1"})
    assert isinstance(settings.SENTRY_DSN, SecretStr)
    assert "hidden" not in repr(settings)
    assert json.dumps(settings.model_dump(mode="json")).count("hidden") == 0
