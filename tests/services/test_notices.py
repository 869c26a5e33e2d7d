"""Notifications on both databases: each once, by e-mail too, only while somebody waits."""

from datetime import timedelta

import pytest

from handoff_bot.domain.escalations import Step
from handoff_bot.domain.rules import Audience, NotificationRule
from handoff_bot.services.notifications import notifications
from tests.fakes import FakeMailer
from tests.services.conftest import build_house

pytestmark = pytest.mark.on_sqlite


def told(house, *rules):
    kept = [notifications.RULE.dump_python(NotificationRule(to=to), mode="json") for to in rules]
    house.core.preferences.change(notifications.RULES, kept, "UMIA")


@pytest.mark.on_both
def test_everybody_is_told_once_however_often_it_is_run(house):
    told(house, Audience(people=("UANA", "UBEN")), Audience(people=("UANA",)))
    house.says("I want a person")
    house.settle()
    assert {who: len(posts) for who, posts in house.desk.told.items()} == {"UANA": 1, "UBEN": 1}


def test_mails_leave_where_there_is_a_mail_server(database, clock):
    mailer = FakeMailer()
    house = build_house(database, clock, mailer=mailer)
    told(house, Audience(emails=("ops@example.com", "night@example.com")))
    house.says("I want a person")
    house.settle()
    assert sorted(mail.to for mail in mailer.sent) == ["night@example.com", "ops@example.com"]


def test_without_one_the_rest_is_told_all_the_same(house):
    told(house, Audience(emails=("ops@example.com",), people=("UANA",)))
    house.says("I want a person")
    house.settle()
    assert list(house.desk.told) == ["UANA"]


@pytest.mark.on_both
def test_a_rule_that_is_stored_wrongly_counts_as_none(house):
    house.core.preferences.change(notifications.RULES, [{"to": 7}, "x"], "UMIA")
    house.says("I want a person")
    house.settle()
    assert house.desk.told == {}


def test_whoever_was_helped_before_quiet_hours_ended_is_not_told_of(house, ana):
    at = house.clock.now()
    quiet = f"{at.hour}:00-{(at.hour + 2) % 24}:00"
    told(house, Audience(people=("UBEN",), quiet=quiet))
    house.says("I want a person")
    house.take(Step.CLAIM, ana)
    house.clock.at += timedelta(hours=3)
    house.settle()
    assert "UBEN" not in house.desk.told
