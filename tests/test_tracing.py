"""Spans: which trace they belong to, what they hold, and what happens while nothing takes them."""

import base64
import subprocess
import sys
import threading

import pytest
from flask import Blueprint
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.web import SlackResponse

from handoff_bot import spans, tracing
from handoff_bot.channels._twilio_http import resource_of
from handoff_bot.jobs.inbox import Inbox
from handoff_bot.jobs.job import of_arrival, traced
from handoff_bot.slack.client.web_client import KeptAliveClient
from handoff_bot.spans import Kind
from handoff_bot.web.application import create_web
from handoff_bot.web.public_address import instance_page
from tests.fakes import idle_worker
from tests.receiver import Receiver

OFF = """
import sys
from handoff_bot import app, cli, spans
assert spans.recorder is None
loaded = {name.partition(".")[0] for name in sys.modules}
assert not loaded & {"opentelemetry", "sentry_sdk"}, loaded
"""
STRANGE = "0af7651916cd43dd8448eb211c80319c"
TEXT = "call me at +15550144, Dana"


@pytest.fixture(autouse=True)
def off(monkeypatch):
    """Tracing is off before and after each test."""
    monkeypatch.setattr(spans, "recorder", None)


@pytest.fixture
def collector():
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def recorder(collector, monkeypatch):
    """The recorder of this process; `stop` sends its spans."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    stop = tracing.start({"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url})
    assert stop
    yield spans.recorder
    stop()


def test_without_the_variables_no_library_is_imported():
    done = subprocess.run(
        [sys.executable, "-c", OFF], capture_output=True, text=True, check=False, env={"PATH": ""}
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("environ", "wanted"),
    [
        ({}, False),
        ({"OTEL_SERVICE_NAME": "support"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c:4318/v1/traces"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318", "OTEL_SDK_DISABLED": "True"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318", "OTEL_TRACES_EXPORTER": "none"}, False),
    ],
)
def test_the_standard_variables_switch_it_on(environ, wanted):
    assert tracing.is_wanted(environ) is wanted


def test_without_the_extra_one_line_says_how_to_install_it(monkeypatch, caplog):
    monkeypatch.setattr("handoff_bot.tracing.find_spec", lambda _: None)
    environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}
    assert tracing.start(environ) is None
    assert spans.recorder is None
    assert [line.why for line in caplog.records] == [tracing.INSTALL]
    (result,) = tracing.check(environ)
    assert (result.ok, result.words) == (False, tracing.INSTALL)


def test_invalid_variables_do_not_keep_the_bot_from_starting(monkeypatch, caplog):
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "0")
    assert tracing.start({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}) is None
    assert [line.message for line in caplog.records] == ["tracing is off"]


def test_the_id_begins_with_the_trace_of_the_log_and_is_always_the_same():
    trace = of_arrival("sms:SM1")
    assert spans.trace_id(trace).startswith(trace)
    assert len(spans.trace_id(trace)) == 32
    assert len(spans.root_id(trace)) == 16
    assert spans.trace_id(trace) == spans.trace_id(trace) != spans.trace_id(of_arrival("sms:SM2"))


def test_what_a_job_does_is_a_part_of_it_and_the_job_a_part_of_its_message(recorder, collector):
    trace = of_arrival("sms:SM1")
    with (
        traced(trace),
        recorder.span("job send", Kind.CONSUMER, {"handoff.job.id": 7}),
        recorder.span("twilio POST", Kind.CLIENT, {}),
    ):
        pass
    recorder.stop()
    call, job = collector.spans()
    assert (job["name"], job["kind"], job["attributes"]) == (
        "job send",
        "SPAN_KIND_CONSUMER",
        {"handoff.job.id": 7},
    )
    assert job["trace"] == call["trace"] == spans.trace_id(trace)
    assert (call["parent"], job["parent"]) == (job["id"], spans.root_id(trace))


def test_posts_that_were_sent_together_are_a_span_in_each_trace(recorder, collector):
    one, other = of_arrival("sms:SM1"), of_arrival("sms:SM2")
    with traced(one), recorder.span("job desk.post", Kind.CONSUMER, {}):
        recorder.covers([one, other, ""])
    recorder.stop()
    held, copy = collector.spans()
    assert (held["trace"], copy["trace"]) == (spans.trace_id(one), spans.trace_id(other))
    assert copy["parent"] == spans.root_id(other)
    assert held["attributes"] == copy["attributes"] == {"handoff.job.count": 4}
    assert "links" not in held
    (link,) = copy["links"]
    assert base64.b64decode(link["spanId"]).hex() == held["id"]


def test_a_sampler_that_fails_fails_no_message(recorder, collector, monkeypatch):
    monkeypatch.setattr(recorder, "_sampler", None)
    with recorder.span("job send", Kind.CONSUMER, {}):
        pass
    recorder.stop()
    assert collector.spans() == []


def test_work_that_goes_on_while_the_process_stops_is_not_disturbed(recorder, collector):
    recorder.stop()
    with recorder.span("job send", Kind.CONSUMER, {}):
        pass
    assert collector.spans() == []


def test_a_job_that_no_arrival_caused_has_a_trace_of_its_own(recorder, collector):
    for name in ("job tick.prune", "job tick.board"):
        with recorder.span(name, Kind.CONSUMER, {}):
            pass
    recorder.stop()
    one, other = collector.spans()
    assert one["trace"] != other["trace"]
    assert one["parent"] == other["parent"] == ""


def test_an_error_is_named_by_its_code_or_type_and_never_quoted(recorder, collector):
    class Refused(Exception):
        code, status = "21610", 400

    for error in (Refused(TEXT), ValueError(TEXT)):
        with pytest.raises(type(error)), recorder.span("twilio POST", Kind.CLIENT, {}):
            raise error
    recorder.stop()
    one, other = (span["attributes"] for span in collector.spans())
    assert one == {"error.type": "21610", "http.response.status_code": 400}
    assert other == {"error.type": "ValueError"}
    assert not _holds(collector, TEXT, "Dana")


@pytest.mark.parametrize(
    "hostile",
    [
        *(TEXT, "+15550144", "dana@example.com", "15550144000", "Dana Smith", "x" * 101, "ä"),
        *("555-123-4567", "2024-08-06", "1.555.0144"),
    ],
)
def test_an_attribute_that_is_no_term_of_ours_does_not_leave(recorder, collector, hostile):
    with recorder.span("call", Kind.CLIENT, {"rpc.method": hostile}):
        pass
    recorder.stop()
    (span,) = collector.spans()
    assert span["attributes"] == {"rpc.method": tracing.OTHER}


@pytest.mark.parametrize("model", ["claude-sonnet-4-20250514", "gpt-4o-2024-08-06", "gpt-5-mini"])
def test_a_model_is_named_with_its_date(recorder, collector, model):
    hostile = f"{model}-15550144000"
    for value in (model, hostile):
        with recorder.span("model", Kind.CLIENT, {"gen_ai.request.model": value}):
            pass
    recorder.stop()
    said = [span["attributes"]["gen_ai.request.model"] for span in collector.spans()]
    assert said == [model, tracing.OTHER]


def test_a_trace_that_is_not_ours_has_ids_all_the_same(recorder, collector):
    with traced("not hex at all"), recorder.span("job send", Kind.CONSUMER, {}):
        pass
    recorder.stop()
    assert len(collector.spans()) == 1


def test_strangers_requests_are_no_spans(recorder, collector, monkeypatch):
    class Knows:
        def knows(self, nonce):
            return nonce == "ours"

    signed = Blueprint("signed", __name__)
    signed.post("/webhooks/sms", endpoint="sms")(lambda: ("", 403))
    signed.get("/files/<name>", endpoint="files")(lambda name: ("", 200))
    monkeypatch.setattr(spans, "recorder", recorder)
    client = create_web([instance_page(Knows()), signed]).test_client()
    for nonce in ("ours", "other"):
        client.get(f"/livez/{nonce}")
    client.post("/webhooks/sms")
    client.get("/files/a")
    recorder.stop()
    assert [span["name"] for span in collector.spans()] == ["GET /files/<name>"]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"status": 502, "headers": {}, "body": "<html>"}, ("unreadable", 502)),
        (
            SlackResponse(
                client=None,
                http_verb="POST",
                api_url="",
                req_args={},
                data={"ok": False, "error": "not_in_channel"},
                headers={},
                status_code=200,
            ),
            ("not_in_channel", 200),
        ),
    ],
)
def test_a_failed_call_of_slack_has_a_code_and_a_status(
    recorder, collector, monkeypatch, answer, said
):
    def fail(*_, **__):
        raise SlackApiError("failed", answer)

    monkeypatch.setattr(spans, "recorder", recorder)
    monkeypatch.setattr(WebClient, "api_call", fail)
    with pytest.raises(SlackApiError):
        KeptAliveClient(token="xoxb").api_call("chat.postMessage")
    recorder.stop()
    (span,) = collector.spans()
    found = span["attributes"]
    assert (found["error.type"], found["http.response.status_code"]) == said


def test_ids_and_addresses_in_twilios_urls_are_left_out():
    url = "https://conversations.twilio.com/v1/Services/IS1/Users/+15550144/Conversations?To=%2B1"
    assert resource_of(url) == "/Services/{id}/Users/{id}/Conversations"
    url = "https://api.twilio.com/2010-04-01/Accounts/AC1/Messages.json?To=%2B1"
    assert resource_of(url) == "/Accounts/{id}/Messages"
    url = "https://messaging.twilio.com/v1/Services/MG1/PhoneNumbers/PN1"
    assert resource_of(url) == "/Services/{id}/PhoneNumbers/{id}"
    url = "https://conversations.twilio.com/v1/Configuration/Addresses"
    assert resource_of(url) == "/Configuration/Addresses"


@pytest.mark.parametrize(
    ("sampler", "argument", "count"),
    [("always_off", "", 0), ("traceidratio", "0", 0), ("parentbased_traceidratio", "1.0", 1)],
)
def test_the_sampler_is_the_standard_variables(collector, monkeypatch, sampler, argument, count):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", sampler)
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", argument)
    stop = tracing.start({"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url})
    assert spans.recorder
    with traced(of_arrival("sms:SM1")), spans.recorder.span("job send", Kind.CONSUMER, {}):
        pass
    stop()
    assert len(collector.spans()) == count


def test_a_full_queue_drops_spans_and_never_waits(collector, monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "10")
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "5")
    collector.gate.clear()  # the collector takes the first batch, and does not answer
    stop = tracing.start({"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url})
    recorder = spans.recorder
    ended = threading.Event()

    def work():
        for _ in range(500):
            with recorder.span("job send", Kind.CONSUMER, {}):
                pass
        ended.set()

    worker = threading.Thread(target=work)
    worker.start()
    assert ended.wait(10)
    worker.join()
    collector.gate.set()
    stop()
    assert 0 < len(collector.spans()) < 500


@pytest.mark.on_sqlite
class TestRequests:
    """Requests that store arrivals, in this process."""

    @pytest.fixture
    def client(self, recorder, database, clock):
        inbox = Inbox(idle_worker(database, clock))
        blueprint = Blueprint("webhooks", __name__)

        def receive(kind):
            inbox.store("inbound", f"in:{kind}:+15550144", "sms:SM1", {})
            return "stored"

        blueprint.add_url_rule("/webhooks/<kind>", view_func=receive, methods=["POST"])
        blueprint.add_url_rule("/livez", "live", lambda: "alive")
        return create_web([blueprint]).test_client()

    def test_the_request_that_stored_the_message_begins_its_trace(
        self, client, recorder, collector
    ):
        stranger = {"traceparent": f"00-{STRANGE}-b7ad6b7169203331-01"}
        client.post(f"/webhooks/sms?From={TEXT}", headers=stranger)
        recorder.stop()
        (span,) = collector.spans()
        trace = of_arrival("sms:SM1")
        assert (span["trace"], span["id"]) == (spans.trace_id(trace), spans.root_id(trace))
        assert span["parent"] == ""
        assert span["name"] == "POST /webhooks/<kind>"
        assert span["attributes"] == {
            "http.request.method": "POST",
            "http.route": "/webhooks/<kind>",
            "http.response.status_code": 200,
        }
        assert not _holds(collector, STRANGE, bytes.fromhex(STRANGE), "15550144", "Dana")

    def test_a_repeated_delivery_is_a_second_span_of_the_same_trace(
        self, client, recorder, collector
    ):
        client.post("/webhooks/sms")
        client.post("/webhooks/sms")
        recorder.stop()
        first, second = collector.spans()
        assert first["trace"] == second["trace"]
        assert second["parent"] == first["id"] != second["id"]

    def test_probes_and_requests_to_no_route_are_no_spans(self, client, recorder, collector):
        client.get("/livez")
        client.get("/wp-login.php")
        client.open("/webhooks/sms", method="BREW")
        recorder.stop()
        assert collector.spans() == []

    def test_an_arrival_without_a_request_begins_its_trace_itself(
        self, recorder, collector, database, clock
    ):
        Inbox(idle_worker(database, clock)).store("slack.event", "slack:C1", "slack:Ev1", {})
        recorder.stop()
        (span,) = collector.spans()
        trace = of_arrival("slack:Ev1")
        assert (span["name"], span["id"]) == ("store slack.event", spans.root_id(trace))
        assert (span["trace"], span["parent"]) == (spans.trace_id(trace), "")


# -- the doctor


def test_the_doctor_sends_an_empty_list(collector, monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-key=secret")
    (result,) = tracing.check({"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url})
    assert (result.ok, result.words) == (True, "127.0.0.1 takes spans")
    assert "x-key: secret" in collector.heads[0]
    assert collector.spans() == []


def test_the_doctor_warns_of_an_endpoint_that_refuses(collector, monkeypatch):
    collector.status = 401
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    (result,) = tracing.check({"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url})
    assert result.ok
    assert result.words.startswith("warning: 127.0.0.1 answered 401; spans are lost")


def test_the_doctor_names_an_endpoint_that_is_no_url():
    (result,) = tracing.check({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://[::1"})
    assert not result.ok
    assert result.words.startswith("the endpoint is not a URL")


def test_the_doctor_names_a_protocol_that_is_not_spoken():
    environ = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4317",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
    }
    (result,) = tracing.check(environ)
    assert not result.ok
    assert "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf" in result.words


def _holds(collector: Receiver, *texts: str | bytes) -> bool:
    sent = b"".join(collector.bodies)
    return any((one.encode() if isinstance(one, str) else one) in sent for one in texts)
