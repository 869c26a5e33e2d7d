"""Translates Slack's failures into errors of the desk, with a message and whether a retry can help.

`error_codes` classifies the codes. Problems that an admin can fix (a missing invitation, a revoked token)
are temporary: the job waits, and nothing is lost. An unknown refusal is retried for some hours before it is
final.
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
from handoff_bot.slack.client.error_codes import (
    CLOSED,
    FILE_REFUSED,
    GONE,
    LAYOUT,
    MAYBE_DONE,
    NOTHING_TO_DO,
    OUR_MISTAKE,
    RATE_LIMITED,
)
from handoff_bot.slack.client.error_codes import PERMANENT as PERMANENT
from handoff_bot.slack.client.error_codes import TEMPORARY as TEMPORARY

NEVER_REACHED = (ConnectionRefusedError, SSLCertVerificationError, gaierror)
"""Reasons for which nothing can have reached Slack."""

_UNSUPPORTED = re.compile(r"unsupported type: ([a-z_]{1,40})")
"""How `invalid_blocks` names an unsupported block."""
_MOST_LINES = 20

UNANSWERED = "Slack did not answer."
INCOMPLETE = "This is from an older version. Close it and start again."
UNREACHABLE = "Slack cannot be reached."
LIMITED = "Slack's rate limit is reached."


@contextmanager
def slack_errors(*, posts: bool = False) -> Iterator[None]:
    """Context manager: calls of the SDK raise the desk's errors.

    Args:
        posts: True for calls that must not be repeated while their outcome is unknown.

    Raises:
        DeskLimited: Slack's rate limit is reached.
        DeskClosed: nothing can be posted in this channel until an admin fixes the cause.
        DeskLayout: Slack refuses the form of the message.
        DeskGone: the message or thread no longer exists.
        DeskUnsure: Slack refused with an unknown code.
        DeskError: Slack refused, or cannot be reached.
        DeskOutcomeUnknown: only with `posts`; Slack was called and gave no clear answer.
    """
    try:
        yield
    except SlackApiError as error:
        raise _refused(error, posts=posts) from error
    except SlackRequestError as error:  # the SDK sends no request without a required argument
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
    """Returns the desk's error for a refusal with a known code."""
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
    """Returns the types of blocks that Slack reports as unsupported."""
    said = metadata.get("messages") if isinstance(metadata, dict) else None
    lines = said if isinstance(said, list) else []
    found = (_UNSUPPORTED.search(str(line)) for line in lines[:_MOST_LINES])
    return tuple(each[1] for each in found if each)


def _seconds(headers: dict[str, str]) -> float | None:
    """Returns the seconds of Retry-After."""
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
