"""Results of agents' actions and of the doctor's health checks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum

from handoff_bot.domain.text import many

# -- an agent's action


class Code(StrEnum):
    """Result code of an action, for callers that react to it."""

    LATER = "later"  # the assistant's last message is still being sent
    NO_AGENT_AVAILABLE = "no_agent_available"
    NO_AGENT_KNOWN = "no_agent_known"


@dataclass(frozen=True)
class ActionResult:
    """What to tell the agent.

    Attributes:
        done: True when it happened or was already done.
        text: plain text for an ephemeral message; "" when the updated card says it all.
        code: what came of it; None where `done` says enough. Texts are never compared.
    """

    done: bool
    text: str = ""
    code: Code | None = None


# -- the doctor's health checks


@dataclass(frozen=True)
class CheckResult:
    """One health check result.

    Attributes:
        what: the check, e.g. "Twilio: account".
        ok: whether it passed.
        words: the detail, and if it failed, how to fix it. Never a secret.
    """

    what: str
    ok: bool
    words: str

    def line(self) -> str:
        """Formats the result for a terminal."""
        return f"{'ok  ' if self.ok else 'FAIL'}  {self.what}: {self.words}"


def _at_once(call: Callable[[], None]) -> None:
    call()


def checked(
    part: str,
    check: Callable[[], Iterable[CheckResult]],
    run: Callable[[Callable[[], None]], None] = _at_once,
) -> Iterator[CheckResult]:
    """Yields a part's results. An exception becomes a failed result, so that no other part is lost.

    Args:
        part: what is checked, for that result.
        run: calls its argument, and may raise TimeoutError before that returns.
    """
    found: list[CheckResult] = []
    why: Exception | None = None

    def collect() -> None:
        for one in check():
            found.append(one)

    try:
        run(collect)
    except Exception as error:  # a check meets values and answers that no test has had
        why = error
    yield from tuple(found)  # in time, or before the exception
    if why:
        yield CheckResult(part, False, f"could not be checked ({type(why).__name__})")


CLOCK_APART = 30
"""Seconds; Slack's signatures are valid for 300."""
_WHY = {"Slack": "; from five minutes on, every click and event is refused"}


def compare_clock(service: str, sent: str, now: datetime) -> Iterator[CheckResult]:
    """Compares this machine's clock with a service's, which answers in whole seconds.

    Yields nothing if `sent`, the `Date` header of an answer just received, tells no time.
    """
    try:
        apart = (now - parsedate_to_datetime(sent)).total_seconds()
    except (TypeError, ValueError):  # no time, or one without a zone
        return
    what = f"clock, by {service}"
    if abs(apart) > CLOCK_APART:
        direction = "ahead of" if apart > 0 else "behind"
        words = (
            f"{many(round(abs(apart)), 'second')} {direction} {service}'s{_WHY.get(service, '')}. Turn "
            "on time synchronization: timedatectl set-ntp true"
        )
        yield CheckResult(what, False, words)
    else:
        yield CheckResult(what, True, f"agrees with {service}'s")
