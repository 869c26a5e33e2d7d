"""Slack's failures as errors of the desk: plain words, and whether trying again can help.

`error_codes` says which code is of which class. What an admin can put right (a missing invitation, a
revoked token) is temporary: the job waits, and nothing is lost. A refusal that we do not know may be either:
it is tried again for some hours before it counts as final.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from socket import gaierror
from ssl import SSLCertVerificationError
from urllib.error import URLError

from slack_sdk.errors import SlackApiError, SlackRequestError

from handoff_bot.domain.errors import (
    DeskClosed,
    DeskError,
    DeskGone,
    DeskLayout,
    DeskLimited,
    DeskOutcomeUnknown,
    DeskUnsure,
)
from handoff_bot.slack.error_codes import (
    CLOSED,
    FILE_REFUSED,
    GONE,
    LAYOUT,
    MAYBE_DONE,
    NOTHING_TO_DO,
    OUR_MISTAKE,
    RATE_LIMITED,
)
from handoff_bot.slack.error_codes import PERMANENT as PERMANENT
from handoff_bot.slack.error_codes import TEMPORARY as TEMPORARY

NEVER_REACHED = (ConnectionRefusedError, SSLCertVerificationError, gaierror)
"""Reasons for which nothing can have been sent to Slack."""

_UNSUPPORTED = re.compile(r"unsupported type: ([a-z_]{1,40})")
"""How `invalid_blocks` names a block that a workspace lacks."""
_MOST_LINES = 20

UNANSWERED = "Slack did not answer."
INCOMPLETE = "This is from an older version. Close it and start again."
UNREACHABLE = "Slack cannot be reached."
LIMITED = "Slack's rate limit is reached."


@contextmanager
def slack_errors(*, posts: bool = False) -> Iterator[None]:
    """Calls of the SDK inside raise the desk's errors.

    Args:
        posts: True for calls that may not be made twice, of which we must know the outcome.

    Raises:
        DeskLimited: Slack asks us to slow down.
        DeskClosed: nothing can be written in this channel until somebody mends that.
        DeskLayout: Slack refuses how the message is written.
        DeskGone: the message or thread no longer exists.
        DeskUnsure: Slack refused with a code that we do not know.
        DeskError: Slack refused, or cannot be reached.
        DeskOutcomeUnknown: only if `posts`; Slack was called and gave no clear answer.
    """
    try:
        yield
    except SlackApiError as error:
        raise _refused(error, posts=posts) from error
    except SlackRequestError as error:  # the SDK sends no request that lacks an argument
        raise DeskError(INCOMPLETE, permanent=True, code="request") from error
    except (OSError, HTTPException, UnicodeDecodeError) as error:
        raise _unanswered(error, posts=posts) from error


def _refused(error: SlackApiError, *, posts: bool) -> DeskError:
    status = int(error.response.status_code)
    code = str(error.response.get("error", ""))
    if status == 429 or code in RATE_LIMITED:
        return DeskLimited(LIMITED, _seconds(error.response.headers))
    is_unclear = status >= 500 or code in MAYBE_DONE or not re.fullmatch(r"[a-z0-9_]+", code)
    if is_unclear:
        return _unclear(posts=posts)
    return _known(code, error.response.get("response_metadata"))


def _known(code: str, metadata: object) -> DeskError:
    """A refusal by its class."""
    if code in CLOSED:
        return DeskClosed(CLOSED[code], code)
    if code in LAYOUT:
        return DeskLayout(LAYOUT[code], code, _unsupported(metadata))
    if code in GONE:
        return DeskGone(GONE[code], code)
    if code in TEMPORARY:
        return DeskError(TEMPORARY[code], permanent=False, code=code)
    words = PERMANENT.get(code, f"Slack refused ({code}).")
    if code in PERMANENT or code in FILE_REFUSED | NOTHING_TO_DO | OUR_MISTAKE:
        return DeskError(words, permanent=True, code=code)
    return DeskUnsure(words, code)


def _unsupported(metadata: object) -> tuple[str, ...]:
    """The types of blocks that Slack says it does not know."""
    said = metadata.get("messages") if isinstance(metadata, dict) else None
    lines = said if isinstance(said, list) else []
    found = (_UNSUPPORTED.search(str(line)) for line in lines[:_MOST_LINES])
    return tuple(each[1] for each in found if each)


def _seconds(headers: dict[str, str]) -> float | None:
    """How long Slack asked us to wait."""
    named = {name.lower(): value for name, value in headers.items()}
    given = str(named.get("retry-after", ""))
    return float(given) if given.isascii() and given.isdigit() else None


def _unanswered(error: Exception, *, posts: bool) -> DeskError:
    reason = error.reason if isinstance(error, URLError) else None
    if isinstance(reason, NEVER_REACHED):
        return DeskError(UNREACHABLE, permanent=False, code="unreachable")
    return _unclear(posts=posts)


def _unclear(*, posts: bool) -> DeskError:
    if posts:
        return DeskOutcomeUnknown(UNANSWERED)
    return DeskError(UNANSWERED, permanent=False, code="unanswered")
