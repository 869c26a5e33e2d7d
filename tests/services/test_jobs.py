"""Operators list what was given up, run it again or dismiss it; the health page counts what is left."""

from datetime import timedelta

import pytest

from handoff_bot.domain.desk import Button, Post, PostKind
from handoff_bot.domain.errors import DeliveryError, DeskError
from handoff_bot.domain.escalations import Step
from handoff_bot.domain.files import File
from handoff_bot.domain.report import Cell, Table
from handoff_bot.jobs import store
from handoff_bot.services.operators import Jobs
from handoff_bot.services.reporting.metrics import REPORT, Report
from handoff_bot.services.timers import KEEP_DONE
from handoff_bot.storage.models import Work
from handoff_bot.web.application import create_web
from handoff_bot.web.health import health

pytestmark = pytest.mark.on_sqlite

REFUSED = DeskError("Slack refused.", permanent=True, code="no_access")
LANDLINE = DeliveryError("That is a landline.", permanent=True, code="30006")


@pytest.fixture
def jobs(house):
    return Jobs(house.database, house.clock)


def parked(house):
    web = create_web([health(house.database, house.clock)])
    return web.test_client().get("/healthz").get_json()["parked"]


@pytest.fixture
def lost(house, ana):
    """The id of a post that the desk has refused for good."""
    house.says("I want a human")
    house.take(Step.CLAIM, ana)
    house.desk.troubles = [REFUSED]
    house.says("my secret words")
    return failed(house)


def failed(house):
    with house.database.read() as tx:
        (row,) = tx.session.query(Work).filter(Work.status == "failed")
        return row.id


@pytest.mark.on_both
def test_a_job_that_was_given_up_is_listed_without_the_customers_words(house, jobs, lost):
    title, line = jobs.lines(10)
    assert title.split()[:3] == ["id", "kind", "lane"]
    assert line.split()[:3] == [str(lost), "desk.post", "desk:1"]
    assert "Slack refused." in line
    shown = "\n".join(jobs.describe(lost))
    assert "ticket        #1" in shown
    assert "conversation  1" in shown
    assert "secret" not in shown + line
    assert "+1555" not in shown + line
    assert "my secret words" in "\n".join(jobs.describe(lost, with_text=True))


def test_a_retry_that_works_does_the_job_and_the_count_goes_down(house, jobs, lost):
    assert parked(house) == 1
    assert jobs.retry(lost).done
    house.settle()
    assert "my secret words" in house.desk.said("contact")
    assert parked(house) == 0
    assert list(jobs.lines(10)) == ["No failed jobs."]


def test_a_retry_that_fails_again_is_counted_and_told_again(house, jobs, lost):
    house.desk.troubles = [REFUSED]
    told = len(house.desk.told["CQUEUE"])
    house.clock.advance(minutes=1)
    assert jobs.retry(lost).done
    house.settle()
    assert parked(house) == 1
    assert len(house.desk.told["CQUEUE"]) == told + 1


@pytest.mark.on_both
def test_a_retry_goes_before_what_waits_in_its_lane(house, jobs, lost):
    house.desk.troubles = [DeskError("Later.", permanent=False, retry_after=60)]
    house.says("later words")
    assert jobs.retry(lost).done
    house.settle()
    house.clock.advance(minutes=5)
    house.settle()
    assert house.desk.said("contact")[-2:] == ["my secret words", "later words"]


def test_what_is_dismissed_is_not_done_and_no_longer_counts(house, jobs, lost):
    assert jobs.dismiss(lost).done
    house.settle()
    assert "my secret words" not in house.desk.said("contact")
    assert parked(house) == 0
    assert not jobs.dismiss(lost).done
    assert not jobs.retry(lost).done
    assert jobs.describe(lost) == []


@pytest.mark.on_both
def test_only_what_was_dealt_with_is_pruned(house, jobs, lost):
    later = house.clock.now() + KEEP_DONE + timedelta(days=1)
    with house.database.write() as tx:
        store.prune(tx, later, KEEP_DONE, 10)
    assert parked(house) == 1
    jobs.dismiss(lost)
    with house.database.write() as tx:
        store.prune(tx, later, KEEP_DONE, 10)
        assert tx.session.get(Work, lost) is None


def test_a_message_that_failed_is_sent_again_as_a_new_delivery(house, jobs, ana):
    house.says("I want a human")
    house.take(Step.CLAIM, ana)
    house.channel.troubles = [LANDLINE]
    house.replies(ana, "Hello!")
    assert jobs.retry(failed(house)).done
    house.settle()
    assert house.channel.phone[-1] == "Hello!"
    assert parked(house) == 0


def test_the_button_retry_deals_with_the_job_too(house, jobs, ana):
    house.says("I want a human")
    house.take(Step.CLAIM, ana)
    house.channel.troubles = [LANDLINE]
    house.replies(ana, "Hello!")
    number = failed(house)
    assert house.core.decisions.retry(int(house.desk.button(Button.RETRY)), ana).done
    house.settle()
    assert parked(house) == 0
    assert not jobs.retry(number).done
    assert house.channel.phone.count("Hello!") == 1


def test_what_the_assistant_says_in_vain_is_told_once_an_hour(house):
    for number in range(3):
        house.channel.troubles = [LANDLINE]
        house.says("What are your hours?", address=f"+1555000{number}")
    (told,) = house.desk.told["CQUEUE"]
    assert "AI assistant's messages are not reaching customers. That is a landline." in told.text
    house.clock.advance(hours=1)
    house.channel.troubles = [LANDLINE]
    house.says("Hello?", address="+15550009")
    assert len(house.desk.told["CQUEUE"]) == 2


def test_a_report_that_cannot_be_handed_over_is_told_to_who_asked(house):
    post = Post(PostKind.TOLD, "All tickets")
    made = Report((post,), File("tickets.csv", "text/csv", b""))
    house.core.handlers[REPORT]._makers = {"tickets": lambda _: made}
    house.desk.troubles = [REFUSED]
    house.core.reports.order("UANA", "tickets", {}, "one")
    house.settle()
    (told,) = house.desk.told["UANA"]
    assert told.text.startswith("Your report could not be created.")


def test_a_report_of_two_messages_repeats_none_that_was_sent(house, monkeypatch):
    plain, troubles = house.desk.tell, [None, DeskError("Slack is busy.", permanent=False)]

    def tell(*message):
        trouble = troubles.pop(0) if troubles else None
        if trouble:
            raise trouble
        return plain(*message)

    monkeypatch.setattr(house.desk, "tell", tell)
    table = Table("Agents", ("Agent", "Replies"), ((Cell("Ana"), Cell("2", 2.0)),))
    posts = (Post(PostKind.TOLD, "Numbers"), Post(PostKind.TOLD, "Agents", table=table))
    house.core.handlers[REPORT]._makers = {"figures": lambda _: Report(posts)}
    house.core.reports.order("UANA", "figures", {}, "one")
    house.settle()
    assert tuple(house.desk.told["UANA"]) == posts[:1]
    house.clock.advance(minutes=1)
    house.settle()
    assert tuple(house.desk.told["UANA"]) == posts
