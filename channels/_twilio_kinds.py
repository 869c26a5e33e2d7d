"""File types and sizes that Twilio supports.

https://www.twilio.com/docs/messaging/guides/accepted-mime-types and
https://www.twilio.com/docs/whatsapp/guidance-whatsapp-media-messages.
"""

from __future__ import annotations

from handoff_bot.domain.files import MB

_OFFICE = "application/vnd.openxmlformats-officedocument"

MMS = dict.fromkeys(
    (
        "image/jpeg",
        "image/png",
        "image/gif",
        "audio/mpeg",
        "audio/mp4",
        "audio/ogg",
        "audio/amr",
        "audio/3gpp",
        "video/mp4",
        "video/3gpp",
        "video/quicktime",
        "video/webm",
        "application/pdf",
        "text/vcard",
        "text/csv",
        "text/calendar",
    ),
    5 * MB - 10_000,  # of a whole message, including text
)
WHATSAPP = {
    **dict.fromkeys(("image/jpeg", "image/png"), 5 * MB),
    **dict.fromkeys(
        (
            "audio/ogg",
            "audio/mpeg",
            "audio/aac",
            "audio/amr",
            "audio/3gpp",
            "video/mp4",
            "application/pdf",
            "application/msword",
            f"{_OFFICE}.wordprocessingml.document",
            f"{_OFFICE}.spreadsheetml.sheet",
            f"{_OFFICE}.presentationml.presentation",
            "text/vcard",
        ),
        16 * MB,
    ),
}
"""Twilio only passes a caption with pictures."""
