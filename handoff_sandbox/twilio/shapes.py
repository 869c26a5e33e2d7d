"""The JSON of Twilio's responses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlencode

from handoff_sandbox.server import Answer, json_answer
from handoff_sandbox.twilio.carrier import segments
from handoff_sandbox.twilio.forms import API_VERSION, ERRORS
from handoff_sandbox.twilio.messages import Message, StoredFile

Json = dict[str, Any]


def root(account: str) -> str:
    """Returns the path of an account's resources."""
    return f"/{API_VERSION}/Accounts/{account}"


def message(account: str, one: Message) -> Json:
    """A message resource."""
    path = f"{root(account)}/Messages/{one.sid}"
    is_accepted = one.status == "accepted"  # no sender and no segments chosen yet
    return {
        "account_sid": account,
        "api_version": API_VERSION,
        "body": one.body,
        "date_created": _date(one.created),
        "date_sent": _date(one.sent) if one.sent else None,
        "date_updated": _date(one.updated),
        "direction": one.direction,
        "error_code": one.error_code,
        "error_message": ERRORS.get(one.error_code) if one.error_code else None,
        "from": None if is_accepted else one.sender,
        "messaging_service_sid": one.service,
        "num_media": str(len(one.files) or len(one.media_urls)),
        "num_segments": "0" if is_accepted else str(_parts(one)),
        "price": None,
        "price_unit": "USD",
        "sid": one.sid,
        "status": one.status,
        "subresource_uris": {"media": f"{path}/Media.json"},
        "to": one.to,
        "uri": f"{path}.json",
    }


def _parts(one: Message) -> int:
    return 1 if one.is_whatsapp or one.media_urls or one.files else segments(one.body)


def stored_file(account: str, parent: Message, file: StoredFile) -> Json:
    """A media resource."""
    return {
        "account_sid": account,
        "content_type": file.content_type,
        "date_created": _date(parent.created),
        "date_updated": _date(parent.created),
        "parent_sid": parent.sid,
        "sid": file.sid,
        "uri": f"{root(account)}/Messages/{parent.sid}/Media/{file.sid}.json",
    }


def account(sid: str) -> Json:
    """An account resource."""
    return {
        "sid": sid,
        "owner_account_sid": sid,
        "friendly_name": "Sandbox",
        "status": "active",
        "type": "Full",
        "uri": f"{root(sid)}.json",
    }


def phone_number(account: str, number: str, sms_url: str) -> Json:
    """An incoming phone number resource."""
    sid = "PN" + "0" * 32
    return {
        "sid": sid,
        "account_sid": account,
        "api_version": API_VERSION,
        "friendly_name": number,
        "phone_number": number,
        "capabilities": {"sms": True, "mms": True, "voice": False, "fax": False},
        "sms_url": sms_url,
        "sms_method": "POST",
        "sms_fallback_url": "",
        "sms_fallback_method": "POST",
        "sms_application_sid": "",
        "status_callback": "",
        "status_callback_method": "POST",
        "status": "in-use",
        "uri": f"{root(account)}/IncomingPhoneNumbers/{sid}.json",
    }


@dataclass(frozen=True)
class Page:
    """A requested part of a list: its path, its filters, and its range."""

    path: str
    filters: Mapping[str, str]
    number: int
    size: int

    def show(self, name: str, items: Sequence[Json], token: str | None) -> Json:
        """Returns these items as this page; `token` is the start of the next one, None at the end."""
        end = self.number * self.size + max(len(items) - 1, 0)
        following = {"Page": self.number + 1, "PageToken": token}
        return {
            name: list(items),
            "first_page_uri": self._uri(Page=0),
            "next_page_uri": self._uri(**following) if token else None,
            "previous_page_uri": None,
            "page": self.number,
            "page_size": self.size,
            "start": self.number * self.size,
            "end": end,
            "uri": self._uri(Page=self.number),
        }

    def _uri(self, **where: str | int | None) -> str:
        return f"{self.path}?{urlencode({**self.filters, 'PageSize': self.size, **where})}"


def problem(status: int, code: int, words: str) -> Json:
    """Returns an error."""
    more = f"https://www.twilio.com/docs/errors/{code}"
    return {"code": code, "message": words, "more_info": more, "status": status}


def fault(status: int) -> Answer:
    """Returns Twilio's body of a 500 or a 429."""
    too_many = status == 429
    code, words = (20429, "Too Many Requests") if too_many else (20500, "Internal Server Error")
    return json_answer(status, problem(status, code, words))


def _date(at: datetime) -> str:
    return format_datetime(at)
