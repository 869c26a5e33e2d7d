"""Random interleavings of words, crashes and refusals: a thread shows all that was said once, in order."""

import itertools
import random
import shutil
import tempfile
from collections import Counter, defaultdict
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from handoff_bot.domain.desk import Button, Post, PostKind
from handoff_bot.domain.errors import DeskError, DeskLimited, DeskOutcomeUnknown
from handoff_bot.jobs.rate_limits import Rate
from handoff_bot.services.outbox import outbox
from handoff_bot.storage import escalations
from handoff_bot.storage.database import Database
from handoff_bot.storage.models import Escalation, Work
from tests import postgres
from tests.conftest import compile_once
from tests.fakes import FrozenClock
from tests.services.conftest import build_house

THREADS = 3
LIMITS = {
    "post": Rate(timedelta(seconds=2), burst=2),
    "card": Rate(timedelta(seconds=3), burst=1),
    "redraw": Rate(timedelta(seconds=5), burst=1),
}
KINDS = [PostKind.CONTACT, PostKind.CONTACT, PostKind.OURS, PostKind.NOTICE, PostKind.FAILURE]


class Killed(BaseException):
    """kill -9: nothing catches it, nothing is tidied up."""


class Threads(RuleBasedStateMachine):
    """Two processes on one database, a desk that misbehaves."""

    address, template, compilers = "", "", None  # set by the test that runs it

    def __init__(self):
        super().__init__()
        self.clock = FrozenClock()
        url = self.fresh_database()
        self.databases = [Database(url, synchronous="off") for _ in range(2)]
        for database in self.databases:
            compile_once(database, self.compilers)
        self.numbers = itertools.count(1)
        self.said = defaultdict(list)
        self.spoiled = set()
        self.die = []
        house = self.boot(0)
        self.houses = [house, self.boot(1, house.desk)]
        for n in range(THREADS):
            house.says("I want a human", address=f"+1555000{n}")
        for _ in range(20):
            self.time_passes(90)
            self.houses[0].settle()
        house.desk.calls.clear()
        house.desk.threads.clear()

    def boot(self, which, desk=None):
        limits = {"limits": LIMITS, "jitter": random.Random(7)}
        house = build_house(self.databases[which], self.clock, **limits)
        if desk:
            for handler in house.core.handlers.values():
                if hasattr(handler, "_desk"):
                    handler._desk = desk
            house.desk = desk
        return house

    def fresh_database(self):
        if not self.address:
            self.folder = tempfile.TemporaryDirectory()
            return f"sqlite:///{shutil.copy(self.template, Path(self.folder.name) / 'h.db')}"
        return postgres.create_database(self.address, "threads", self.template)

    @property
    def desk(self):
        return self.houses[0].desk

    # -- what happens

    @rule(
        thread=st.integers(0, THREADS - 1),
        kinds=st.one_of(
            st.integers(2, 5).map(lambda count: [PostKind.CONTACT] * count),
            st.lists(st.sampled_from(KINDS), min_size=1, max_size=4),
        ),
        name=st.sampled_from(["Dana", "Dana", "Eli"]),
        button=st.sampled_from([None, None, None, None, None, Button.RETRY]),
        length=st.sampled_from([10, 10, 10, 10, 10, 5000]),
        spoiled=st.integers(0, 12).map(lambda n: n == 12),
    )
    def somebody_speaks(self, thread, kinds, name, button, length, spoiled):
        for kind in kinds:
            number = next(self.numbers)
            text = f"{number} " + "x" * length
            post = Post(kind, text, name, "sms", button=button, value="1" if button else "")
            with self.databases[0].write() as tx:
                escalation = tx.session.get(Escalation, thread + 1)
                outbox.post(tx, escalation, post, self.clock.now())
            self.said[thread + 1].append(text)
            if spoiled:
                self.spoiled.add(text)

    @rule(which=st.integers(0, 1), rounds=st.integers(1, 5))
    def a_process_runs(self, which, rounds):
        for _ in range(rounds):
            if not self.run_one(which):
                break

    @rule(seconds=st.sampled_from([0.5, 2, 7, 30]))
    def time_passes(self, seconds):
        self.clock.advance(seconds=seconds)

    @rule(when=st.sampled_from(["before", "after"]))
    def a_process_will_be_killed(self, when):
        self.die.append(when)

    @rule(what=st.sampled_from(["limited", "busy", "lost before", "lost after"]))
    def the_desk_is_in_trouble(self, what):
        if what == "lost after":
            self.desk.lost_answers.append(DeskOutcomeUnknown("lost"))
            return
        self.desk.troubles.append(
            {
                "limited": DeskLimited("slow down", 3),
                "busy": DeskError("busy", permanent=False),
                "lost before": DeskOutcomeUnknown("lost"),
            }[what]
        )

    # -- how it happens

    def run_one(self, which):
        house, desk, original = self.houses[which], self.desk, self.desk.post
        desk.post = self.mortal(original)
        try:
            return house.core.worker.run_once()
        except Killed:
            self.houses[which] = self.boot(which, desk)
            return True
        finally:
            desk.post = original

    def mortal(self, call):
        def wrapped(thread, posts, mark):
            if "before" in self.die:
                self.die.remove("before")
                raise Killed
            if any(post.text in self.spoiled for post in posts):
                raise DeskError("Slack refused.", permanent=True)
            result = call(thread, posts, mark)
            if "after" in self.die:
                self.die.remove("after")
                raise Killed
            return result

        return wrapped

    # -- what always holds

    def teardown(self):
        try:
            self.settle()
            self.check_threads()
            self.check_messages()
        finally:
            for database in self.databases:
                database.close()
            if not self.address:
                self.folder.cleanup()

    def settle(self):
        self.die, self.desk.troubles, self.desk.lost_answers = [], [], []
        for _ in range(400):
            while self.run_one(0) or self.run_one(1):
                pass
            with self.databases[0].read() as tx:
                if not tx.session.query(Work).filter_by(status="ready", kind=outbox.POST).count():
                    return
            self.clock.advance(seconds=15)
        raise AssertionError("never came to rest")

    def check_threads(self):
        with self.databases[0].read() as tx:
            places = {n: escalations.thread_of(tx, n).ts for n in range(1, THREADS + 1)}
        shown = {at.ts: [post.text for post in posts] for at, posts in self.desk.threads.items()}
        for number, texts in self.said.items():
            wanted = [text for text in texts if text not in self.spoiled]
            # Reminders that come by themselves are not what was said.
            assert [text for text in shown.get(places[number], []) if text in texts] == wanted

    def check_messages(self):
        for posts in self.desk.calls:
            assert len({(post.kind, post.name) for post in posts}) == 1
            assert sum(len(post.text) for post in posts) <= 8000
            assert len(posts) == 1 or not any(post.button for post in posts)
        words = Counter(post.text for posts in self.desk.calls for post in posts)
        assert all(words[text] <= 1 for texts in self.said.values() for text in texts)


HOW = {
    "deadline": None,
    "suppress_health_check": list(HealthCheck),
    "phases": [Phase.explicit, Phase.reuse, Phase.generate],
}


@pytest.mark.thorough
def test_threads_show_everything_once_and_in_order_on_sqlite(sqlite_template, compilers):
    run_state_machine_as_test(
        type("OnSqlite", (Threads,), {"template": sqlite_template, "compilers": compilers}),
        settings=settings(max_examples=25, stateful_step_count=30, **HOW),
    )


def test_threads_show_everything_once_and_in_order_on_postgresql(
    postgres_server, postgres_template, compilers
):
    places = {"address": postgres_server, "template": postgres_template, "compilers": compilers}
    run_state_machine_as_test(
        type("OnPostgres", (Threads,), places),
        settings=settings(max_examples=8, stateful_step_count=25, **HOW),
    )
