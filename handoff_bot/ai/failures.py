"""Failures of language model requests: what was refused, whether a retry can help, what admins must know."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import openai

from handoff_bot.ai.structured_output import (
    EFFORT,
    EFFORTS,
    RESPONSES,
    STORE,
    TOOLS,
    Lesson,
    Request,
    refused_effort,
    refused_tool,
)
from handoff_bot.domain.language_models import Trouble

# -- what was refused
# Services word this in many ways.
#
# OpenAI names the parameter in `error.param`, FastAPI servers in `detail[].loc` (Mistral nests that
# in `message`), others only in the message.

_FORM = re.compile(
    r"json[ _]schema|json[ _]object|response_format|text_format|structured[ _]output|text\W{1,6}format"
)
_LACK = re.compile(
    r"not support|n't support|unsupported|not permitted|not allowed|not implemented|not available"
    r"|unavailable|unknown|not recogni[sz]ed|unrecogni[sz]ed|forbidden|no endpoints|unexpected"
)
_OUR_MISTAKE = "invalid_json_schema"  # says "not permitted" about a part of the schema
_BAD_TOOL = "invalid_function_parameters"
_ONE_TOOL = re.compile(r"tools(?:\[(\d{1,3})\]|\.(\d{1,3})\..*\bparameters\b)")
_OTHER_API = re.compile(r"(?:not|n't)\b[^.]{0,60}\b(?:v1/responses|responses (?:api|endpoint))")
_TOO_MUCH = re.compile(r"too (?:large|long|many)|maximum context|context[_ ]length")
_A_VALUE = re.compile(
    r"unsupported[_ ]value|supported values|does not support ['\"]|input should be|one of|invalid value"
)
_CHOICE = re.compile(r"supported values|input should be|one of")
_SENT_BACK = frozenset({"input", "ctx", "url"})
"""Fields in which FastAPI repeats the request, including customer text."""

_NAMES: dict[str, Lesson] = {
    "store": STORE,
    "max_tokens": "max_tokens",
    "max_completion_tokens": "max_completion_tokens",
    "max_output_tokens": "max_output_tokens",
    "reasoning_effort": EFFORT,
    "reasoning.effort": EFFORT,
    "reasoning": EFFORT,
    "tools": TOOLS,
}
_WORDS = frozenset({"store", "reasoning", "tools"})
"""Names that are also words: in a sentence they only count in quotes, after a colon or on their own
line.
"""


def lessons_in(error: openai.APIStatusError, request: Request) -> frozenset[Lesson]:
    """Returns how to change the request; empty if the refusal has another cause."""
    said = _said(error.response.text)
    text = _as_text(said)
    found: set[Lesson] = set()
    if request.form and error.status_code in {400, 404, 422} and _has_not_the_form(said, text):
        found.add(request.form)
    elif request.path == "/responses" and _has_no_responses(error.status_code, text):
        return frozenset({RESPONSES})
    if error.status_code in {400, 422}:
        found |= _parameters(said, text, request)
    return frozenset(found)


def parameter_of(error: openai.APIStatusError) -> str:
    """Returns the refused parameter for a report; "" if none is named."""
    name = next(_named(_said(error.response.text)), "")
    return name if re.fullmatch(r"[\w.]{1,40}", name) else ""


def _said(body: str) -> Any:
    """Returns the body without repeated request data; as lowercase text if it is not JSON."""
    try:
        return _without_request(json.loads(body))
    except (ValueError, RecursionError):
        return body.casefold()


def _as_text(said: Any) -> str:
    text = said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)
    return text.casefold().replace("\\n", "\n")


def _without_request(part: Any) -> Any:
    if isinstance(part, dict):
        kept = {name: value for name, value in part.items() if name not in _SENT_BACK}
        return {name: _without_request(value) for name, value in kept.items()}
    return [_without_request(one) for one in part] if isinstance(part, list) else part


def _has_no_responses(status: int, text: str) -> bool:
    """Returns whether the URL does not exist. An unknown model has the same status."""
    if status in {404, 405} and "model" not in text:
        return True
    return status in {400, 404, 405, 422} and bool(_OTHER_API.search(text))


def _has_not_the_form(said: Any, text: str) -> bool:
    if _OUR_MISTAKE in text:
        return False
    is_named = any(name.startswith(("response_format", "text.format")) for name in _named(said))
    return is_named or bool(_FORM.search(text) and _LACK.search(text))


def _parameters(said: Any, text: str, request: Request) -> set[Lesson]:
    if any(map(_ONE_TOOL.match, _named(said))) or _BAD_TOOL in text:
        return _refused_tools(said, text, request)
    named = {lesson for name in _named(said) if (lesson := _lesson_of(name))}
    if not named:
        named = {lesson for name, lesson in _NAMES.items() if _is_in_sentence(name, text)}
    found = {lesson for lesson in named if lesson in request.body}
    if _TOO_MUCH.search(text):  # the conversation is; a higher limit or none would not help
        found = {lesson for lesson in found if "tokens" not in lesson}
    if EFFORT in named and request.effort:
        found |= _efforts(text, request)
    return found


def _refused_tools(said: Any, text: str, request: Request) -> set[Lesson]:
    """Returns the tools whose definition is refused; the service can have the others."""
    names = [str(one.get("name")) for one in request.body.get(TOOLS, ())]
    matches = filter(None, map(_ONE_TOOL.match, _named(said)))
    places = [int(each[1] or each[2]) for each in matches]
    placed = {names[place] for place in places if place < len(names)}
    quoted = {one for one in names if _is_quoted_function(one, text)}
    return {refused_tool(one) for one in placed or quoted}


def _is_quoted_function(name: str, text: str) -> bool:
    return bool(re.search(rf"function [\"'`]{re.escape(name.casefold())}[\"'`]", text))


def _named(part: Any) -> Iterator[str]:
    """Yields the parameter names in `param` and `loc`, at any depth."""
    if isinstance(part, list):
        for one in part:
            yield from _named(one)
    if not isinstance(part, dict):
        return
    if isinstance(part.get("param"), str):
        yield part["param"]
    if isinstance(part.get("loc"), list):
        yield ".".join(str(one) for one in part["loc"] if one != "body")
    for value in part.values():
        yield from _named(value)


def _lesson_of(name: str) -> Lesson | None:
    name = name.casefold()
    return _NAMES.get(name) or _NAMES.get(name.partition(".")[0])


def _is_in_sentence(name: str, text: str) -> bool:
    before = r"[\"'`]|: ?|\n" if name in _WORDS else r"(?<![\w.])"
    return bool(re.search(rf"(?:{before}){re.escape(name)}(?![\w.]\w)(?!\w)", text))


def _efforts(text: str, request: Request) -> set[Lesson]:
    """Returns the refused values, or the parameter itself."""
    choices = _CHOICE.split(text)[1:]
    listed = {one for one in EFFORTS if choices and re.search(rf"\b{one}\b", choices[-1])}
    if not listed - {request.effort}:
        return {refused_effort(request.effort) if _A_VALUE.search(text) else EFFORT}
    return {refused_effort(one) for one in EFFORTS if one not in listed or one == request.effort}


# -- what can be done about it

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
