"""The arithmetic of the benchmark: when a rate is kept up with, what counts as lost, and what pages quote."""

import pytest

from bench.saturation import report
from bench.saturation.fire import Fired, Load
from bench.saturation.rates import MOST_STEPS, next_rate, summed_up


def run(posts, *, due=(0.0, 1.0, 2.0, 3.0), acked=(0, 1, 2, 3), customers=2):
    fired = Fired(due=dict(enumerate(due)), acked=dict.fromkeys(acked, 0.5))
    return summed_up(fired, posts, 1.0, customers, {"bot, process 1": 0.2, "postgresql": 0.4})


def test_what_comes_once_in_order_and_at_once_is_kept_up_with():
    found = run({0: [0.1], 1: [1.1], 2: [2.1], 3: [3.1]})
    assert found.keeps_up
    assert found.is_right
    assert (found.median_ms, found.bot_ms) == (100.0, 50.0)


def test_what_was_acknowledged_and_never_posted_is_lost():
    found = run({0: [0.1], 1: [1.1]}, acked=(0, 1, 2))
    assert (found.lost, found.keeps_up, found.is_right) == (1, False, False)


def test_a_message_in_two_posts_is_there_twice():
    assert run({0: [0.1, 0.2], 1: [1.1], 2: [2.1], 3: [3.1]}).twice == 1


def test_a_customers_later_message_before_their_earlier_one_is_out_of_order():
    assert run({0: [2.5], 1: [1.1], 2: [2.1], 3: [3.1]}).out_of_order == 1


def test_messages_of_one_post_are_in_order():
    assert run({0: [2.1], 1: [1.1], 2: [2.1], 3: [3.1]}).out_of_order == 0


def test_a_rate_whose_last_message_comes_late_is_not_kept_up_with():
    assert not run({0: [0.1], 1: [1.1], 2: [2.1], 3: [4.0]}).keeps_up


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([(10.0, True)], 12.0),
        ([(10.0, True), (12.0, True)], 14.4),
        ([(14.4, False)], 10.0),
        ([(10.0, True), (12.0, False)], None),
        ([(10.0, False), (7.0, True)], None),
        ([(10.0, True)] * MOST_STEPS, None),
    ],
)
def test_the_rate_is_raised_until_messages_fall_behind_and_no_longer(steps, expected):
    found = next_rate(steps)
    assert found == (pytest.approx(expected) if expected else None)


def test_every_message_of_a_run_has_its_own_id_and_mark():
    load = Load("abcd", 80, 30, 5.0, 7, "AC1", "token", "https://bot.example.com", "+15550100")
    sent = [load.request(number) for number in range(30)]
    assert len({request.split(b"MessageSid=")[1][:34] for request in sent}) == 30
    assert all(f"abcdx{number:07d}".encode() in request for number, request in enumerate(sent))


@pytest.mark.parametrize("page", report.PAGES, ids=lambda page: page.parent.name)
def test_pages_quote_the_results_and_nothing_else(page):
    text = page.read_text(encoding="utf-8")
    assert report.PLACE.search(text)
    assert report.with_table(text, report.current()) == text


def test_an_unkept_promise_is_named():
    promises = {"nothing lost": True, "recovered in time": False}
    case = {
        "overload": {
            "rate": 40.0,
            "seconds": 60,
            "acked": 2400,
            "offered": 2400,
            "lost": 0,
            "twice": 0,
            "backlog": 1200,
            "recovered_after_s": 90.0,
            "arithmetic_says_s": 60.0,
            "held": promises,
        }
    }
    assert "not held: recovered in time" in report.told_of_overload(case)
