"""The way of a message is told from the database, and one id joins its log lines."""

import json
import logging

import pytest
from click.testing import CliRunner

from handoff_bot.cli import main
from handoff_bot.domain.errors import DeliveryError
from handoff_bot.domain.escalations import Step
from handoff_bot.domain.messages import DeliveryStatus
from handoff_bot.jobs.job import of_arrival
from handoff_bot.logs import JsonLines
from handoff_bot.services.operators import MessageTraces
from handoff_bot.storage.models import Delivery, Message, Ticket, Work

pytestmark = pytest.mark.on_sqlite

SECRET = "my card number is 4111"


@pytest.fixture
def traces(house):
    return MessageTraces(house.database)


def rows(house, model):
    with house.database.read() as tx:
        return tx.session.query(model).order_by(model.id).all()


def log_of(caplog):
    return [json.loads(JsonLines().format(record)) for record in caplog.records]


@pytest.fixture
def formatted(caplog):
    """Log lines as they are written: the trace is of the moment."""
    lines = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(json.loads(JsonLines().format(record)))
    logger = logging.getLogger("handoff_bot")
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield lines
    logger.removeHandler(handler)
    logger.setLevel(before)


def test_all_log_lines_of_a_message_have_one_id_from_its_webhook_to_the_thread(house, formatted):
    sid = house.says("a human please")
    other = house.says("what does it cost?", address="+15550002")
    ids = {one: of_arrival(f"sms:{one}") for one in (sid, other)}
    kinds = {
        one: {
            line["kind"] for line in formatted if line.get("trace") == ids[one] and "kind" in line
        }
        for one in ids
    }
    assert {"inbound", "send", "desk.card"} <= kinds[sid]
    assert {"inbound", "answer"} <= kinds[other]
    assert "desk.card" not in kinds[other]
    jobs = [line for line in formatted if line["event"] == "job started"]
    assert [line for line in jobs if not line.get("trace")] == []


def test_a_failure_is_logged_with_the_id_of_the_message_that_caused_it(house, formatted):
    house.channel.troubles.append(DeliveryError("no", permanent=True, code="30003"))
    sid = house.says("a human please")
    (line,) = [one for one in formatted if one["event"] == "work failed"]
    assert (line["trace"], line["kind"], line["code"]) == (
        of_arrival(f"sms:{sid}"),
        "send",
        "30003",
    )


def test_a_message_delivered_twice_has_the_same_id(house):
    sid = house.says("a human please")
    house.says("a human please", provider_id=sid)
    traces = {one.payload.get("trace") for one in rows(house, Work) if one.kind == "inbound"}
    assert traces == {of_arrival(f"sms:{sid}")}


@pytest.mark.on_both
def test_the_trace_of_a_customers_message_names_its_jobs_and_events(house, traces):
    sid = house.says("a human please")
    told = "\n".join(traces.lines(sid))
    for part in (
        f"sms inbound by contact, {sid}",
        "event message.received: channel sms",
        "event message.judged",
        "inbound: done, 1 attempts",
        "desk.card: done, 1 attempts",
        f"trace in the log: {of_arrival(f'sms:{sid}')}",
    ):
        assert part in told


@pytest.mark.on_both
def test_the_trace_of_a_reply_names_its_delivery_its_attempts_and_its_errors(house, traces, ana):
    house.says("a human please")
    house.take(Step.CLAIM, ana)
    house.channel.troubles.append(DeliveryError("busy", permanent=False, code="20429"))
    ts = house.replies(ana, "yes?")
    house.clock.advance(minutes=5)
    house.settle()
    house.reports(DeliveryStatus.FAILED, house.last_sent(), error_code="30003", error="Unreachable")
    part = rows(house, Delivery)[-1]
    told = [traces.lines(one) for one in (ts, part.provider_id, _link(ts))]
    assert told[0] == told[1] == told[2]
    text = "\n".join(told[0])
    assert f"Slack {house.desk.place.slack_channel} {ts}" in text
    assert f"part 1: failed, {part.provider_id}" in text
    assert "error 30003: Unreachable" in text
    assert "send: done, 2 attempts" in text


def _link(ts):
    return f"https://acme.slack.com/archives/C1/p{ts.replace('.', '')}?thread_ts=1.2&cid=C1"


@pytest.mark.parametrize("form", ["#{}", "{}"])
def test_the_trace_of_a_ticket_is_that_of_its_messages(house, traces, ana, form):
    house.says("a human please")
    house.take(Step.CLAIM, ana)
    house.replies(ana, "yes?")
    (ticket,) = rows(house, Ticket)
    told = "\n".join(traces.lines(form.format(ticket.id)))
    assert "inbound by contact" in told
    assert "outbound by agent" in told


@pytest.mark.on_both
def test_the_id_of_a_log_line_leads_to_the_message(house, traces):
    sid = house.says("a human please")
    assert f"by contact, {sid}" in "\n".join(traces.lines(of_arrival(f"sms:{sid}")))


def test_texts_and_addresses_are_printed_on_request_only(house, traces):
    sid = house.says(f"a human please, {SECRET}")
    told = "\n".join(traces.lines(sid))
    assert SECRET not in told
    assert "5550001" not in told
    assert SECRET in "\n".join(traces.lines(sid, with_text=True))


@pytest.mark.parametrize(
    "what", ["SMnothing", "#999", "0123456789ab", "1800000000.000001", "", "'; --"]
)
def test_what_is_not_known_is_said_to_be_unknown(house, traces, what):
    house.says("a human please")
    assert traces.lines(what) == []


def test_the_command_prints_the_way_or_says_what_to_give(house, database_url, monkeypatch):
    sid = house.says("a human please")
    monkeypatch.setenv("DATABASE_URL", database_url)
    known, unknown = (CliRunner().invoke(main, ["trace", one]) for one in (sid, "SMnothing"))
    assert (known.exit_code, unknown.exit_code) == (0, 1)
    assert f"by contact, {sid}" in known.stdout
    assert "a ticket (#12)" in unknown.stderr


@pytest.mark.on_both
def test_messages_are_found_whatever_the_number_of_a_ticket(house, traces):
    """A number alone is a ticket, also if a message has the same id."""
    house.says("what does it cost?")
    assert rows(house, Message)
    assert traces.lines("1") == []
