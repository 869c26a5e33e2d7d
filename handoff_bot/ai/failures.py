"""Failures of language model requests: whether a retry can help, and what admins must know."""

from __future__ import annotations

import re

import openai

from handoff_bot.ai.refusals import parameter_of
from handoff_bot.domain.model_health import Trouble

_NO_MONEY = re.compile(
    r"insufficient_quota|exceeded your current quota|billing|insufficient (?:balance|credit|funds)"
)
_NO_MODEL = re.compile(
    r"model_not_found|no such model|(?:unknown|invalid) model"
    r"|model\b.{0,120}?(?:not exist|not found|unknown|not available|deprecated|decommissioned)"
    r"|deploymentnotfound",
    re.DOTALL,
)
_CHANGED = frozenset({404, 405})


class Failure(Exception):
    """A request failed; the text is the kind of failure.

    Attributes:
        trouble: the model's problem, None if the model is fine.
        detail: more for admins; no customer text.
        may_pass: True if a retry may succeed.
        is_refusal: True if the service rejected the request's form.
        is_elsewhere: True if the URL does not exist, so that learned facts may be outdated.
    """

    def __init__(
        self,
        kind: str,
        trouble: Trouble | None,
        *,
        detail: str = "",
        may_pass: bool = False,
        is_refusal: bool = False,
        is_elsewhere: bool = False,
    ) -> None:
        super().__init__(kind)
        self.trouble = trouble
        self.detail = detail
        self.may_pass = may_pass
        self.is_refusal = is_refusal
        self.is_elsewhere = is_elsewhere


def timed_out() -> Failure:
    """The deadline has passed."""
    return Failure("timeout", Trouble.TIMEOUT)


def malformed() -> Failure:
    """The answer has the wrong format."""
    return Failure("malformed answer", Trouble.UNREADABLE, may_pass=True)


def failure_of(error: openai.OpenAIError) -> Failure:
    """Converts an error of the client."""
    if isinstance(error, openai.APITimeoutError):
        return timed_out()
    if isinstance(error, openai.APIConnectionError):
        return Failure("unreachable", Trouble.UNREACHABLE, may_pass=True)
    if isinstance(error, openai.APIStatusError):
        return _of_status(error)
    return malformed()


def _of_status(error: openai.APIStatusError) -> Failure:
    status, said = error.status_code, error.response.text.casefold()
    detail = f"HTTP {status}"
    if status == 402 or (status in {403, 429} and _NO_MONEY.search(said)):
        return Failure("quota used up", Trouble.QUOTA, detail=detail)
    if status == 429:
        return Failure("rate limited", Trouble.RATE, detail=detail)
    if status >= 500:
        return Failure("server error", Trouble.SERVER, detail=detail, may_pass=True)
    trouble = Trouble.REFUSED
    if status in {401, 403}:
        trouble = Trouble.KEY
    elif status in {400, 404} and _NO_MODEL.search(said):
        trouble = Trouble.MODEL
    name = parameter_of(error)
    return Failure(
        f"refused with HTTP {status}",
        trouble,
        detail=f"{detail}, parameter {name}" if name and trouble is Trouble.REFUSED else detail,
        is_refusal=True,
        is_elsewhere=status in _CHANGED,
    )


def never_left(error: openai.OpenAIError) -> bool:
    """Returns whether no connection was made, so the service cannot have processed it.

    Compares names, because the client's HTTP library differs between its versions.
    """
    return type(error.__cause__).__name__ in {"ConnectError", "ConnectTimeout", "PoolTimeout"}
