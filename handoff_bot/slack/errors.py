"""Slack's failures as errors of the desk: plain words, and whether trying again can help.

What an admin can put right (a missing invitation, a revoked token) counts as temporary: the work waits
until they have, and nothing is lost. What no waiting changes is permanent, as is a refusal that we do
not know: one message is given up, and shown as failed, rather than everything behind it.
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

from handoff_bot.domain.errors import DeskClosed, DeskError, DeskLimited, DeskOutcomeUnknown

RATE_LIMITED = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded"})

MAYBE_DONE = frozenset({"internal_error", "fatal_error"})
"""Slack's own words for these: some part of the operation may have succeeded."""

TEMPORARY: dict[str, str] = {
    "access_denied": "Slack denies the bot access.",
    "accesslimited": "Slack limits access to this workspace.",
    "account_inactive": "The bot's Slack account is deactivated. Reinstall the app.",
    "app_access_restricted": "An admin restricts this app in Slack.",
    "ekm_access_denied": "An admin has suspended posting in Slack.",
    "external_channel_migrating": "The queue channel is being migrated by Slack.",
    "internal_error": "Slack has a problem.",
    "fatal_error": "Slack has a problem.",
    "invalid_auth": "Slack does not accept the bot token.",
    "missing_scope": "The Slack app lacks a permission. Reinstall it with the current manifest.",
    "not_allowed_token_type": "The token is not a bot token.",
    "not_authed": "The bot token is missing.",
    "org_login_required": "The workspace is being migrated by Slack.",
    "request_timeout": "Slack did not get the whole request.",
    "restricted_action_thread_locked": "The thread is locked.",
    "service_unavailable": "Slack is not available.",
    "team_added_to_org": "The workspace is being migrated by Slack.",
    "team_not_found": "The workspace is not known to Slack.",
    "token_expired": "The bot token has expired.",
    "token_revoked": "The bot token was revoked. Reinstall the app.",
    "update_failed": "Slack could not update the message.",
}

CLOSED: dict[str, str] = {
    "channel_is_limited_access": "Access to the channel is limited.",
    "channel_not_found": "The channel is not known to the bot. Invite the bot to it.",
    "is_archived": "The channel is archived.",
    "is_inactive": "The channel is archived.",
    "not_in_channel": "The bot is not in the channel. Invite it.",
    "restricted_action": "The workspace does not let the bot post here.",
    "restricted_action_read_only_channel": "Only some people may post in the channel.",
}
"""Of a channel: temporary as well, but all that is said there waits for a person."""

PERMANENT: dict[str, str] = {
    "cannot_reply_to_message": "Slack does not allow replies to this message.",
    "cant_update_message": "The bot may not change this message.",
    "edit_window_closed": "This message is too old to be changed.",
    "exchanged_trigger_id": "The click was answered already.",
    "expired_trigger_id": "The click is too old. Please click again.",
    "invalid_blocks": "Slack does not accept the layout of this message.",
    "invalid_blocks_format": "Slack does not accept the layout of this message.",
    "invalid_trigger_id": "The click is too old. Please click again.",
    "message_not_found": "The message is not there any more.",
    "metadata_too_large": "The message carries too much metadata.",
    "msg_blocks_too_long": "The message is too long for Slack.",
    "msg_too_long": "The message is too long for Slack.",
    "no_text": "The message is empty.",
    "not_found": "The window is closed.",
    "thread_not_found": "The thread is not there any more.",
    "user_not_found": "Slack does not know this person.",
    "user_not_in_channel": "This person is not in the channel.",
    "view_too_large": "There is too much to show in one window.",
}

NEVER_REACHED = (ConnectionRefusedError, SSLCertVerificationError, gaierror)
"""Reasons for which nothing can have been sent to Slack."""

UNANSWERED = "Slack did not answer."
INCOMPLETE = "This is from an older version. Close it, and begin again."
UNREACHABLE = "Slack cannot be reached."
LIMITED = "Slack asks us to slow down."


@contextmanager
def slack_errors(*, posts: bool = False) -> Iterator[None]:
    """Calls of the SDK inside raise the desk's errors.

    Args:
        posts: True for calls that may not be made twice, of which we must know the outcome.

    Raises:
        DeskLimited: Slack asks us to slow down.
        DeskClosed: nothing can be written in this channel until somebody mends that.
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
    if code in CLOSED:
        return DeskClosed(CLOSED[code], code)
    if code in TEMPORARY:
        return DeskError(TEMPORARY[code], permanent=False, code=code)
    words = PERMANENT.get(code, f"Slack refused ({code}).")
    return DeskError(words, permanent=True, code=code)


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
