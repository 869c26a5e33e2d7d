"""Which buttons, menus and fields Slack accepts, and which options a bot may suggest."""

from __future__ import annotations

from typing import Any

from handoff_sandbox.slack.validation.checks import (
    Check,
    Fields,
    anything,
    items_of,
    object_of,
    plain_text,
    string_of,
    text_of,
    whole_number,
    word_of,
)

SUGGESTED = 100
"""Limit of options, or groups of options, in one suggestion."""


def problems_of_suggestions(answer: Any) -> list[str]:
    """Returns Slack's problems with a bot's answer to a block_suggestion, [] for none."""
    return list(_SUGGESTIONS(answer, ""))


_ACTION: Fields = {"action_id": string_of(255), "focus_on_load": anything}
_CONFIRM = object_of(
    {
        "title!": plain_text(100),
        "text!": text_of(300),
        "confirm!": plain_text(30),
        "deny!": plain_text(30),
        "style": word_of("primary", "danger"),
    }
)
_OPTION = object_of(
    {
        "text!": text_of(75),
        "value!": string_of(150),
        "description": text_of(75),
        "url": string_of(3000),
    }
)
_OPTION_GROUP = object_of({"label!": plain_text(75), "options!": items_of(100, _OPTION)})
_MENU: Fields = _ACTION | {"placeholder": plain_text(150), "confirm": _CONFIRM}
_MANY: Fields = {"max_selected_items": whole_number(1, 1000)}
_INPUT: Fields = _ACTION | {
    "placeholder": plain_text(150),
    "initial_value": anything,
    "dispatch_action_config": anything,
}
_STATIC: Fields = _MENU | {
    "options": items_of(100, _OPTION),
    "option_groups": items_of(100, _OPTION_GROUP),
}
_EXTERNAL: Fields = _MENU | {"min_query_length": whole_number(0, 1000)}
_CONVERSATIONS: Fields = _MENU | {
    "default_to_current_conversation": anything,
    "filter": object_of(
        {
            "include": items_of(4, word_of("im", "mpim", "private", "public")),
            "exclude_external_shared_channels": anything,
            "exclude_bot_users": anything,
        }
    ),
}
_TICKS: Fields = _ACTION | {"options!": items_of(10, _OPTION), "confirm": _CONFIRM}

_BUTTON = object_of(
    {
        "text!": plain_text(75),
        "action_id": string_of(255),
        "value": string_of(2000),
        "url": string_of(3000),
        "style": word_of("primary", "danger"),
        "confirm": _CONFIRM,
        "accessibility_label": string_of(75),
        "visible_to_user_ids": anything,
    }
)
IMAGE: Fields = {"alt_text!": string_of(2000), "image_url": string_of(3000), "slack_file": anything}
ELEMENTS: dict[str, Check] = {
    "button": _BUTTON,
    "overflow": object_of(_ACTION | {"options!": items_of(5, _OPTION), "confirm": _CONFIRM}),
    "static_select": object_of(_STATIC | {"initial_option": _OPTION}),
    "multi_static_select": object_of(_STATIC | _MANY | {"initial_options": items_of(100, _OPTION)}),
    "external_select": object_of(_EXTERNAL | {"initial_option": _OPTION}),
    "multi_external_select": object_of(
        _EXTERNAL | _MANY | {"initial_options": items_of(100, _OPTION)}
    ),
    "users_select": object_of(_MENU | {"initial_user": anything}),
    "multi_users_select": object_of(_MENU | _MANY | {"initial_users": anything}),
    "checkboxes": object_of(_TICKS | {"initial_options": items_of(10, _OPTION)}),
    "radio_buttons": object_of(_TICKS | {"initial_option": _OPTION}),
    "datepicker": object_of(_MENU | {"initial_date": anything}),
    "timepicker": object_of(_MENU | {"initial_time": anything, "timezone": anything}),
    "datetimepicker": object_of(
        _ACTION | {"initial_date_time": whole_number(10**9, 10**10 - 1), "confirm": _CONFIRM}
    ),
    "channels_select": object_of(
        _MENU | {"initial_channel": anything, "response_url_enabled": anything}
    ),
    "multi_channels_select": object_of(_MENU | _MANY | {"initial_channels": anything}),
    "conversations_select": object_of(
        _CONVERSATIONS | {"initial_conversation": anything, "response_url_enabled": anything}
    ),
    "multi_conversations_select": object_of(
        _CONVERSATIONS | _MANY | {"initial_conversations": anything}
    ),
}
"""Elements in messages, modals and Home tabs."""

INPUTS: dict[str, Check] = ELEMENTS | {
    "plain_text_input": object_of(
        _INPUT | {"multiline": anything, "min_length": anything, "max_length": anything}
    ),
    "number_input": object_of(
        _INPUT | {"is_decimal_allowed!": anything, "min_value": anything, "max_value": anything}
    ),
    "email_text_input": object_of(_INPUT),
    "url_text_input": object_of(_INPUT),
    "file_input": object_of(
        {
            "action_id": string_of(255),
            "filetypes": items_of(100, string_of(20)),
            "max_files": whole_number(1, 10),
        }
    ),
}
"""Elements of an input block."""

_SUGGESTIONS = object_of(
    {
        "options": items_of(SUGGESTED, _OPTION, least=0),
        "option_groups": items_of(SUGGESTED, _OPTION_GROUP, least=0),
    }
)
