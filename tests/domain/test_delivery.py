"""Delivery statuses move forward only, whatever order the news comes in."""

from itertools import permutations, product

import pytest

from handoff_bot.domain.messages import FINAL, DeliveryStatus, advance, earlier_than, overall

D = DeliveryStatus


@pytest.mark.parametrize("news", list(permutations([D.ACCEPTED, D.SENT, D.DELIVERED, D.READ])))
def test_any_order_of_news_ends_at_the_furthest(news):
    status = D.QUEUED
    for item in news:
        status = advance(status, item)
    assert status is D.READ


@pytest.mark.parametrize(("current", "news"), list(product(D, D)))
def test_what_may_move_is_what_the_database_is_asked_for(current, news):
    moves = advance(current, news) is news and news is not current
    assert (current in earlier_than(news)) == moves


@pytest.mark.parametrize("status", sorted(FINAL))
def test_a_final_status_stays(status):
    assert {advance(status, news) for news in D} == {status}


def test_a_failure_after_delivery_is_not_believed():
    assert advance(D.DELIVERED, D.FAILED) is D.DELIVERED


@pytest.mark.parametrize(
    ("parts", "whole"),
    [
        ([D.DELIVERED, D.SENT], D.SENT),
        ([D.READ, D.READ], D.READ),
        ([D.READ, D.FAILED, D.QUEUED], D.FAILED),
    ],
    ids=["slowest", "all", "one failed"],
)
def test_a_message_is_as_far_as_its_slowest_part(parts, whole):
    assert overall(parts) is whole
