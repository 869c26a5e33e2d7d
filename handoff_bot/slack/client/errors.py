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


RATE_LIMITED = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded"})

MAYBE_DONE = frozenset({"internal_error", "fatal_error"})
"""Slack documents for these codes that part of the operation may have succeeded."""

TEMPORARY: dict[str, str] = {
    "access_denied": "Slack denies the bot access.",
    "accesslimited": "Slack limits access to this workspace.",
    "account_inactive": "The bot's Slack account is deactivated. Reinstall the app.",
    "app_access_restricted": "An admin restricts this app in Slack.",
    "ekm_access_denied": "An admin has suspended posting in Slack.",
    "external_channel_migrating": "The queue channel is being migrated by Slack.",
    "file_update_failed": "Slack could not accept the file.",
    "file_under_review": "Slack is still processing the file.",
    "hash_conflict": "The modal was changed at the same moment.",
    "invalid_auth": "Slack does not accept the bot token.",
    "list_record_comment_fetch_failed": "Slack could not read the thread.",
    "missing_scope": "The Slack app lacks a permission. Reinstall it with the current manifest.",
    "no_bot_user_for_app": "The Slack app has no bot user. Reinstall it with the current manifest.",
    "not_allowed_token_type": "The token is not a bot token.",
    "not_authed": "The bot token is missing.",
    "not_enabled": "The app's Home tab is switched off. Reinstall it with the current manifest.",
    "org_login_required": "The workspace is being migrated by Slack.",
    "request_timeout": "Slack received an incomplete request.",
    "service_unavailable": "Slack is not available.",
    "streaming_state_conflict": "The message is still being written.",
    "team_added_to_org": "The workspace is being migrated by Slack.",
    "team_not_found": "Slack does not know the workspace.",
    "token_expired": "The bot token has expired.",
    "token_revoked": "The bot token was revoked. Reinstall the app.",
    "update_failed": "Slack could not update the message.",
}
"""An admin or Slack itself can fix the cause: the job waits."""

CLOSED: dict[str, str] = {
    "channel_is_limited_access": "Access to the channel is limited.",
    "channel_not_found": "The bot cannot see the channel. Invite it.",
    "invalid_channel": "The bot cannot see the channel. Invite it.",
    "is_archived": "The channel is archived.",
    "is_inactive": "The channel is archived.",
    "method_not_supported_for_channel_type": "The bot cannot work in this kind of channel.",
    "not_in_channel": "The bot is not in the channel. Invite it.",
    "posting_to_channel_denied": "The workspace does not let the bot post here.",
    "posting_to_general_channel_denied": "The workspace does not let the bot post here.",
    "restricted_action": "The workspace does not let the bot post here.",
    "restricted_action_non_threadable_channel": "The channel does not allow threads.",
    "restricted_action_read_only_channel": "Only some members may post in the channel.",
    "restricted_action_thread_only_channel": "The channel allows replies in threads only.",
}
"""Problems of a Slack channel: temporary as well, but everything for the channel waits for an admin."""

LAYOUT: dict[str, str] = {
    "attachment_payload_limit_exceeded": "The message is too long for Slack.",
    "block_mismatch": "Slack does not accept the layout of this message.",
    "invalid_arguments": "Slack does not accept this message.",
    "invalid_attachments": "Slack does not accept the layout of this message.",
    "invalid_blocks": "Slack does not accept the layout of this message.",
    "invalid_blocks_format": "Slack does not accept the layout of this message.",
    "invalid_metadata_format": "Slack does not accept the metadata of this message.",
    "invalid_metadata_schema": "Slack does not accept the metadata of this message.",
    "markdown_text_conflict": "Slack does not accept the layout of this message.",
    "metadata_must_be_sent_from_app": "Slack does not accept the metadata of this message.",
    "metadata_too_large": "The message carries too much metadata.",
    "msg_blocks_too_long": "The message is too long for Slack.",
    "msg_too_long": "The message is too long for Slack.",
    "no_text": "The message is empty.",
    "too_many_attachments": "The message has too many parts for Slack.",
    "too_many_contact_cards": "The message has too many parts for Slack.",
}
"""Problems of a message's form: the same content is retried in plainer forms."""

GONE: dict[str, str] = {
    "cannot_reply_to_message": "Slack does not allow replies to this message.",
    "cant_update_message": "The message was deleted, or is not the bot's.",
    "invalid_thread_ts": "The thread no longer exists.",
    "message_not_found": "The message no longer exists.",
    "restricted_action_thread_locked": "The thread is locked.",
    "thread_locked": "The thread is locked.",
    "thread_not_found": "The thread no longer exists.",
}
"""The message or its thread is gone: a new card is posted, and the conversation continues in its thread."""

NOTHING_TO_DO = frozenset({"already_pinned", "already_reacted", "no_reaction"})
"""The intended state already exists."""

PERMANENT: dict[str, str] = {
    "cant_delete_message": "The bot may not delete this message.",
    "edit_window_closed": "This message is too old to be edited.",
    "exchanged_trigger_id": "The click was already answered.",
    "expired_trigger_id": "The click is too old. Please click again.",
    "file_deleted": "The file was deleted in Slack.",
    "file_is_deleted": "The file was deleted in Slack.",
    "file_not_found": "The file is no longer in Slack.",
    "invalid_trigger_id": "The click is too old. Please click again.",
    "malware_detected": "Slack has found malware in the file.",
    "messages_tab_disabled": "Direct messages from the app are switched off.",
    "no_access": "The bot may not see this message.",
    "not_found": "The modal is closed.",
    "not_pinnable": "This message cannot be pinned.",
    "not_reactable": "This message does not allow reactions.",
    "not_visible": "The bot may not see this file.",
    "push_limit_reached": "Too many modals are open.",
    "send_on_behalf_not_allowed": "The workspace does not let the bot write here.",
    "too_many_emoji": "The message has too many reactions.",
    "too_many_pins": "The channel has too many pins.",
    "too_many_reactions": "The message has too many reactions.",
    "user_not_found": "Slack does not know this user.",
    "user_not_in_channel": "This user is not in the channel.",
    "view_too_large": "There is too much to show in one modal.",
}
"""Final: neither waiting nor another form helps."""

FILE_REFUSED = frozenset(
    {
        "blocked_file_type",
        "channels_limit_exceeded",
        "file_not_shared",
        "file_share_limit_reached",
        "file_type_not_allowed",
        "file_upload_size_restricted",
        "file_uploads_disabled",
        "file_uploads_except_images_disabled",
        "max_file_sharing_exceeded",
        "post_contents_too_large",
        "slack_connect_blocked_file_type",
        "slack_connect_canvas_sharing_blocked",
        "slack_connect_clip_sharing_blocked",
        "slack_connect_file_link_sharing_blocked",
        "slack_connect_file_upload_sharing_blocked",
        "slack_connect_lists_sharing_blocked",
        "snippet_too_large",
        "storage_limit_reached",
        "unable_to_share_files",
    }
)
"""Permanent: an admin has forbidden the file there, or the storage is full."""

OUR_MISTAKE = frozenset(
    {
        "alt_txt_too_large",
        "as_user_not_supported",
        "bad_image",
        "bad_timestamp",
        "bad_title",
        "bot_user_required",
        "cant_broadcast_message",
        "cant_delete",
        "cant_delete_file",
        "canvas_disabled_file_team",
        "canvas_disabled_user_team",
        "canvas_globally_disabled",
        "delete_not_allowed",
        "draft_already_deleted",
        "draft_already_sent",
        "draft_has_conflict",
        "draft_not_found",
        "duplicate_channel_not_found",
        "duplicate_external_id",
        "duplicate_message_not_found",
        "failed_to_unshare",
        "file_comment_not_found",
        "file_deleting_disabled",
        "invalid_args",
        "invalid_cursor",
        "invalid_external_id",
        "invalid_metadata_filter_keys",
        "invalid_name",
        "invalid_title",
        "invalid_ts_latest",
        "invalid_ts_oldest",
        "invalid_type",
        "invalid_url",
        "method_deprecated",
        "missing_argument",
        "missing_file_data",
        "missing_profile_id",
        "no_dual_broadcast_content_update",
        "no_item_specified",
        "not_allowed",
        "not_implemented",
        "public_file_type_not_allowed",
        "public_video_not_allowed",
        "template_not_visible",
        "too_large",
        "too_many_ids",
        "unknown_method",
        "unknown_snippet_type",
        "unknown_subtype",
        "unknown_type",
    }
)
"""Permanent: programming errors."""

CLASSES: dict[str, frozenset[str]] = {
    "rate limited": RATE_LIMITED,
    "maybe done": MAYBE_DONE,
    "temporary": frozenset(TEMPORARY),
    "closed channel": frozenset(CLOSED),
    "layout": frozenset(LAYOUT),
    "gone": frozenset(GONE),
    "nothing to do": NOTHING_TO_DO,
    "permanent": frozenset(PERMANENT),
    "file refused": FILE_REFUSED,
    "our mistake": OUR_MISTAKE,
}
"""All codes; each is in one class only."""
