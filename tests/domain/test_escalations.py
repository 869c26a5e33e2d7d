"""The whole table of steps: the legal ones arrive, all others are refused."""

from itertools import product

import pytest

from handoff_bot.domain.errors import IllegalStep
from handoff_bot.domain.escalations import TRANSITIONS, Status, Step, after, origins


@pytest.mark.parametrize(("status", "step"), list(product(Status, Step)))
def test_every_status_and_step(status, step):
    if (status, step) in TRANSITIONS:
        assert after(status, step) is TRANSITIONS[status, step]
        assert status in origins(step)
        return
    with pytest.raises(IllegalStep, match=f"cannot {step} an escalation that is {status}"):
        after(status, step)


def test_what_has_ended_stays_ended():
    ended = {Status.RESOLVED, Status.RETURNED, Status.DISMISSED}
    assert not {status for status, _ in TRANSITIONS} & ended
