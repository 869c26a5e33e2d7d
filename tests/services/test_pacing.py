"""The desk's limits are kept by all processes together: whose turn it is, what goes as one, what 429 does."""

import random
from datetime import timedelta

import pytest

from handoff_bot.domain.desk import Button, Post, PostKind
from handoff_bot.domain.errors import DeskError, DeskLimited, DeskOutcomeUnknown
from handoff_bot.domain.escalations import Step
from handoff_bot.domain.messages import ReplyMark
from handoff_bot.domain.signals import Priority
from handoff_bot.jobs import rate_limits
from handoff_bot.jobs.rate_limits import BucketCost, Rate, RateLimiter
from handoff_bot.jobs.worker import Worker
from handoff_bot.services.outbox import outbox, slack_job
from handoff_bot.storage import escalations
from handoff_bot.storage.database import Database
from handoff_bot.storage.models import Escalation, Lane
from tests.services.conftest import build_house

pytestmark = pytest.mark.on_sqlite

LIMITS = {
    "post": Rate(timedelta(seconds=1), burst=2),
    "card": Rate(timedelta(seconds=2), burst=4),
    "redraw": Rate(timedelta(seconds=2), burst=1),
    "mark": Rate(timedelta(seconds=1), burst=1),
    "unmark": Rate(timedelta(seconds=3), burst=1),
    "whisper": Rate(timedelta(seconds=1), burst=1),
}


@pytest.fixture
def house(database, clock):
    """Customers and agents at a desk that may be called so often and no more."""
    return build_house(database, clock, limits=LIMITS, jitter=random.Random(7))


def wait(house, seconds=1.0, times=1):
    for _ in range(times):
        house.clock.advance(seconds=seconds)
        house.settle()


def opened(house, count=1):
    """So many customers ask for a person; when all is posted and drawn, time has passed."""
    for n in range(count):
        house.says("I want a human", address=f"+155500{n:02d}")
    wait(house, 3, 2 * count + 4)
    house.clock.advance(minutes=1)
    house.desk.calls.clear()
    return rows(house)


def rows(house):
    with house.database.read() as tx:
        return list(tx.session.query(Escalation).order_by(Escalation.id))


def says(house, escalation, *texts, kind=PostKind.CONTACT, name="Dana", **more):
    for text in texts:
        with house.database.write() as tx:
            post = Post(kind, text, name, "sms", **more)
            outbox.post(tx, escalation, post, house.clock.now())


def change(house, *changed):
    for escalation in changed:
        with house.database.write() as tx:
            outbox.update_card(tx, escalation, house.clock.now())


def calls(house):
    return [[post.text for post in posts] for posts in house.desk.calls]


def shown(house):
    """Which cards were drawn since, in order."""
    order = []
    original = house.desk.render_card

    def render_card(card, at, mark):
        order.append(card.escalation_id)
        return original(card, at, mark)

    house.desk.render_card = render_card
    return order


# -- how often


@pytest.mark.on_both
def test_a_channel_gets_a_short_burst_and_then_one_post_a_second(house):
    several = opened(house, 6)
    for escalation in several:
        says(house, escalation, f"words {escalation.id}")
    seen = []
    for _ in range(5):
        house.settle()
        seen.append(len(house.desk.calls))
        house.clock.advance(seconds=1)
    assert seen == [2, 3, 4, 5, 6]


@pytest.mark.on_both
def test_who_waits_holds_no_thread_and_costs_no_transaction(house, monkeypatch):
    several = opened(house, 5)
    for escalation in several:
        says(house, escalation, "words")
    house.settle()
    written = []
    original = Database.write
    monkeypatch.setattr(Database, "write", lambda self: written.append(1) or original(self))
    house.core.worker.run_until_idle()
    assert written == []


def test_the_next_turn_is_slept_for_and_not_polled_for(house):
    several = opened(house, 3)
    for escalation in several:
        says(house, escalation, "words")
    house.settle()
    house.clock.advance(seconds=0.25)
    _, pause = house.core.worker._lease(dict.fromkeys(["desk"], 8))
    assert pause == pytest.approx(0.75)


def test_without_limits_nothing_waits(database, clock):
    house = build_house(database, clock)
    for escalation in opened(house, 4):
        says(house, escalation, "words")
    house.settle()
    assert len(house.desk.calls) == 4


@pytest.mark.on_both
def test_two_processes_share_one_budget(house, database_url):
    several = opened(house, 8)
    other = Database(database_url)
    try:
        lanes = Worker(
            other,
            house.core.handlers,
            house.clock,
            threads={"desk": 8},
            limiter=RateLimiter(LIMITS),
        )
        for escalation in several:
            says(house, escalation, f"words {escalation.id}")
        seen = []
        for _ in range(4):
            for _ in range(6):
                house.core.worker.run_once()
                lanes.run_once()
            seen.append(len(house.desk.calls))
            house.clock.advance(seconds=1)
    finally:
        other.close()
    assert seen == [2, 3, 4, 5]


@pytest.mark.on_both
def test_a_process_that_dies_with_its_turn_loses_the_turn_and_not_the_words(house):
    (escalation,) = opened(house)
    says(house, escalation, "one")
    says(house, escalation, "two", kind=PostKind.OURS)
    says(house, escalation, "three")
    house.settle()
    house.clock.advance(seconds=1)
    with house.database.write() as tx:  # its turn comes, and the process that took it is gone
        now = house.clock.now()
        assert rate_limits.next_lanes(tx, "post:CQUEUE", ["desk"], now, 1)
        rate_limits.take(tx, f"desk:{escalation.id}", "dead")
    wait(house, 1, 3)
    assert calls(house) == [["one"], ["two"], ["three"]]


# -- whose turn


@pytest.mark.on_both
def test_ten_changes_of_a_card_are_one_update(house):
    (escalation, other) = opened(house, 2)
    order = shown(house)
    change(house, other)
    house.clock.advance(seconds=0.1)
    change(house, *[escalation] * 10)
    wait(house, 2, 8)
    assert order == [other.id, escalation.id]


@pytest.mark.on_both
def test_the_oldest_change_is_drawn_first(house):
    several = opened(house, 4)
    order = shown(house)
    change(house, several[0])
    house.settle()  # the budget is used up
    for escalation in (several[2], several[1], several[3], several[2]):
        house.clock.advance(seconds=0.1)
        change(house, escalation)
        house.settle()
    wait(house, 2, 8)
    assert order == [escalation.id for escalation in (several[i] for i in (0, 2, 1, 3))]


def test_cards_are_drawn_before_the_board(house):
    several = opened(house, 3)
    order = shown(house)
    house.desk.render_board = lambda board, at, mark: order.append("board") or at
    change(house, several[0])
    house.settle()
    assert len(order) == 1  # the budget is used up; which of the two it was is all the same
    change(house, *several[1:])
    wait(house, 2, 6)
    assert order.index("board") in (0, len(order) - 1)


def test_the_board_never_waits_for_long(house):
    """However many cards change, the board is drawn: it is what people work from."""
    several = opened(house, 12)
    order = shown(house)
    house.desk.render_board = lambda board, at, mark: order.append("board") or at
    change(house, *several)
    for _ in range(12):
        wait(house, 2)
        change(house, *several)
    first, second, *_ = (n for n, name in enumerate(order) if name == "board")
    assert first <= 6
    assert second - first <= 7


@pytest.mark.on_both
def test_who_comes_does_not_go_before_those_who_wait(house):
    several = opened(house, 4)
    for escalation in several[:3]:
        says(house, escalation, f"words {escalation.id}")
    house.settle()
    house.clock.advance(seconds=1)
    says(house, several[3], "pushes in")
    house.settle()
    assert calls(house)[-1] == [f"words {several[2].id}"]


def surge(house, count, priority=Priority.NORMAL, first=0):
    house.detector.priority = priority
    for n in range(first, first + count):
        house.says("I want a human", address=f"+15551{n:03d}")
        house.clock.advance(seconds=0.001)


def test_a_surge_of_new_cards_does_not_keep_words_waiting(house):
    (escalation,) = opened(house)
    surge(house, 40)
    wait(house, 1, 3)
    says(house, escalation, "I am in the middle of talking")
    wait(house, 1, 2)
    assert calls(house) == [["I am in the middle of talking"]]
    assert len(house.desk.cards) < 10


def test_words_do_not_keep_new_cards_waiting_either(house):
    (escalation,) = opened(house)
    surge(house, 10)
    for n in range(20):
        says(house, escalation, f"words {n}", kind=[PostKind.CONTACT, PostKind.OURS][n % 2])
    wait(house, 1, 20)
    assert len(house.desk.cards) >= 10
    assert len(calls(house)) >= 10


@pytest.mark.on_both
def test_in_a_surge_the_urgent_cards_are_posted_first_and_all_of_them_in_the_end(house):
    surge(house, 20)
    surge(house, 3, Priority.URGENT, first=100)
    wait(house, 2, 25)
    order = [card.priority for card in house.desk.cards.values()]
    assert len(order) == 23
    first = order.index(Priority.URGENT)
    assert first <= LIMITS["card"].burst  # those whose turn it was before there was a queue
    assert order[first : first + 3] == [Priority.URGENT] * 3


def test_in_a_surge_the_board_says_how_many_wait(house):
    surge(house, 40)
    wait(house, 2, 8)
    (board,) = house.desk.boards.values()
    assert board.waiting == 40
    assert len(house.desk.cards) < 40


@pytest.mark.on_both
def test_taking_over_works_before_the_card_is_there_and_then_hurries_it(house, ana):
    surge(house, 40)
    last = rows(house)[-1].id
    taken, outcome = house.core.queue.take_next(ana)
    assert outcome.done
    assert house.core.escalations.take(Step.CLAIM, last, ana).done
    with house.database.read() as tx:
        assert escalations.thread_of(tx, last) is None
    wait(house, 1, 6)
    posted = [card.escalation_id for card in house.desk.cards.values()]
    assert {taken, last} <= set(posted)
    assert len(posted) < 12
    assert house.desk.cards[place_of(house, last)].owner.name == "Ana"
    wait(house, 1, 4)
    assert (
        "Ana took over. Their messages in this thread are sent to the customer."
        in house.desk.said("notice")
    )


def place_of(house, escalation_id):
    (place,) = (at for at, card in house.desk.cards.items() if card.escalation_id == escalation_id)
    return place


def test_a_mark_that_takes_another_away_needs_room_for_both(house):
    limiter, now = RateLimiter(LIMITS), house.clock.now()
    both, one = (slack_job.mark(ReplyMark.SENT, shown) for shown in (ReplyMark.WAITING, None))
    later, last = now + timedelta(seconds=1), now + timedelta(seconds=3)
    with house.database.write() as tx:
        assert limiter.admit(tx, both, "", now) is None
        assert limiter.admit(tx, both, "", later) == BucketCost("unmark")
        assert limiter.admit(tx, one, "", last) is None
        assert limiter.admit(tx, both, "", last) == BucketCost("mark")
        assert limiter.admit(tx, both, "mark", last) is None  # the one before it was paid, too


# -- what goes together


@pytest.mark.on_both
def test_what_waits_for_one_thread_goes_as_one_post_in_order(house):
    (escalation,) = opened(house)
    says(house, escalation, "one", "two", "three")
    house.settle()
    assert calls(house) == [["one", "two", "three"]]
    assert not waiting(house)


def waiting(house):
    with house.database.read() as tx:
        return [
            lane.key for lane in tx.session.query(Lane) if lane.due_at and lane.family == "desk"
        ]


def test_speakers_are_not_mixed_and_keep_their_order(house):
    (escalation,) = opened(house)
    says(house, escalation, "one", "two")
    says(house, escalation, "an answer", kind=PostKind.OURS)
    says(house, escalation, "three", "four")
    wait(house, 1, 3)
    assert calls(house) == [["one", "two"], ["an answer"], ["three", "four"]]


@pytest.mark.parametrize(
    "apart",
    [
        {"kind": PostKind.FAILURE},
        {"button": Button.RETRY, "value": "1"},
        {"mentions": ("U1",)},
    ],
    ids=["failures", "buttons", "mentions"],
)
def test_what_is_more_than_words_goes_alone(house, apart):
    (escalation,) = opened(house)
    says(house, escalation, "one", "two", **apart)
    wait(house, 1, 2)
    assert calls(house) == [["one"], ["two"]]


def test_one_post_holds_no_more_than_a_message_can(house):
    (escalation,) = opened(house)
    long = "x" * (slack_job.MOST_CHARACTERS // 2)
    says(house, escalation, long, long, "short")
    says(house, escalation, *"abcdefghijklmnopqrst")
    wait(house, 1, 4)
    assert [len(texts) for texts in calls(house)] == [2, slack_job.MOST_POSTS, 9]


def test_what_is_refused_together_is_tried_alone(house):
    (escalation,) = opened(house)
    says(house, escalation, "one", "bad", "three")
    original = house.desk.post

    def refuse(thread, posts, mark):
        if any(post.text == "bad" for post in posts):
            raise DeskError("Slack refused.", permanent=True)
        return original(thread, posts, mark)

    house.desk.post = refuse
    wait(house, 1, 6)
    assert calls(house) == [["one"], ["three"]]


class Killed(BaseException):
    """kill -9: nothing catches it."""


@pytest.mark.on_both
@pytest.mark.parametrize("posted", [True, False], ids=["after the post", "before the post"])
def test_a_crash_in_the_middle_neither_loses_nor_doubles_what_went_together(house, posted):
    (escalation,) = opened(house)
    says(house, escalation, "one", "two", "three")
    original = house.desk.post

    def die(thread, posts, mark):
        if posted:
            original(thread, posts, mark)
        raise Killed

    house.desk.post = die
    with pytest.raises(Killed):
        house.settle()
    house.desk.post = original
    says(house, escalation, "four")
    survivor = build_house(house.database, house.clock, limits=LIMITS)
    survivor.desk = house.desk
    for handler in survivor.core.handlers.values():
        if hasattr(handler, "_desk"):
            handler._desk = house.desk
    wait(survivor, 6, 3)
    together = [["one", "two", "three"], ["four"]] if posted else [["one", "two", "three", "four"]]
    assert calls(house) == together


def test_an_answer_that_never_came_is_looked_for_before_all_is_said_again(house):
    (escalation,) = opened(house)
    house.desk.lost_answers = [DeskOutcomeUnknown("lost")]
    says(house, escalation, "one", "two")
    house.settle()
    says(house, escalation, "three")
    wait(house, 2, 3)
    assert calls(house) == [["one", "two"], ["three"]]


# -- 429


@pytest.mark.on_both
def test_a_refusal_holds_everybody_who_makes_the_same_call_and_is_counted(house):
    first, second = opened(house, 2)
    house.desk.troubles = [DeskLimited("slow down", 30)]
    says(house, first, "one")
    house.settle()
    says(house, second, "two")
    wait(house, 1, 28)
    assert calls(house) == []
    with house.database.read() as tx:
        (refused,) = rate_limits.refusals(tx)
    assert (refused.budget, refused.count) == ("post:CQUEUE", 1)
    wait(house, 1, 5)
    assert sorted(calls(house)) == [["one"], ["two"]]


def test_a_refusal_of_one_method_holds_no_other(house):
    first, second = opened(house, 2)
    house.desk.troubles = [DeskLimited("slow down", 30)]
    says(house, first, "one")
    house.settle()
    order = shown(house)
    change(house, second)
    wait(house, 2, 2)
    assert order == [second.id]
