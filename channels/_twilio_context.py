"""Parses WhatsApp's context fields: kind, quoted message, ad, form answers, order.

Parameters: https://www.twilio.com/docs/messaging/guides/webhook-request. Twilio posts the answers
of a WhatsApp Flow as JSON in InteractiveData; Meta's own name for them is nfm_reply.response_json.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from handoff_bot.domain.message_context import (
    Fact,
    MessageContext,
    MessageKind,
    Quote,
    kind_of_file,
)
from handoff_bot.domain.text import one_line

Fields = Mapping[str, str]

_KINDS: dict[str, MessageKind] = {
    "text": MessageKind.TEXT,
    "button": MessageKind.CHOICE,
    "interactive": MessageKind.CHOICE,
    "list": MessageKind.CHOICE,
    "flow": MessageKind.FORM,
    "order": MessageKind.ORDER,
    "location": MessageKind.LOCATION,
    "contact": MessageKind.CONTACT,
    "contacts": MessageKind.CONTACT,
    "vcard": MessageKind.CONTACT,
    "reaction": MessageKind.REACTION,
    "sticker": MessageKind.STICKER,
    "voice": MessageKind.VOICE,
    "audio": MessageKind.VOICE,
    "image": MessageKind.PICTURE,
    "video": MessageKind.VIDEO,
    "document": MessageKind.FILE,
}
"""Our kind for each MessageType."""
_FORMS = ("InteractiveData", "FlowData", "nfm_reply", "response_json")
_ORDERS = ("OrderData", "Order", "ProductItems", "Catalog")
_REACTIONS = ("ReactionEmoji", "Reaction", "Emoji")
_AD = ("ReferralHeadline", "ReferralBody", "ReferralSourceUrl")
_WRAPPERS = frozenset({"nfm_reply", "response_json", "interactive", "data", "fields", "pages"})
"""Wrapper names, or values not meant for people."""
_INTERNAL = frozenset({"flow_token", "wa_flow_response_params", "page_id", "type"})
_LABELS = ("label", "title", "question", "name", "id")
MOST_FACTS = 40
_LONGEST_NAME, _LONGEST_VALUE = 100, 500
_DEEPEST = 6
_LONGEST_JSON = 20_000
_LONGEST_AD = 300
_LONGEST_SID = 100


def context_of(fields: Fields) -> MessageContext:
    """Returns the form's content besides Body; unreadable parts are left out."""
    answers = _answers(fields, _FORMS)
    order = _answers(fields, _ORDERS)
    quoted = fields.get("OriginalRepliedMessageSid", "").strip()
    return MessageContext(
        kind=_kind(fields, form=bool(answers), order=bool(order)),
        quote=Quote(quoted[:_LONGEST_SID]) if quoted else None,
        ad=tuple(_ad(fields)),
        facts=(*_choice(fields), *answers, *order, *_reaction(fields))[: MOST_FACTS + 1],
        forwarded="true" in (fields.get("Forwarded"), fields.get("FrequentlyForwarded")),
    )


def _kind(fields: Fields, *, form: bool, order: bool) -> MessageKind:
    if form:
        return MessageKind.FORM
    if order:
        return MessageKind.ORDER
    has_file = "MediaUrl0" in fields
    of_file = kind_of_file(fields.get("MediaContentType0", ""))
    if has_file and of_file is MessageKind.CONTACT:
        return of_file
    told = fields.get("MessageType", "").strip().lower()
    if told:
        return _KINDS.get(told, MessageKind.UNKNOWN)
    if fields.get("Latitude") and fields.get("Longitude"):
        return MessageKind.LOCATION
    return of_file if has_file else MessageKind.TEXT


def _ad(fields: Fields) -> Iterator[str]:
    """Yields headline, text and URL of the ad; an ad with only an id is named by it."""
    shown = [one_line(fields.get(name, ""), _LONGEST_AD) for name in _AD]
    yield from filter(None, shown)
    source = one_line(fields.get("ReferralSourceId", ""), _LONGEST_AD)
    if source and not any(shown):
        yield f"ad {source}"


def _choice(fields: Fields) -> tuple[Fact, ...]:
    """Returns the value of a selected button or row, if it differs from the text."""
    said = {fields.get(name, "").strip() for name in ("Body", "ButtonText", "ListTitle")}
    names = (("button", "ButtonPayload"), ("option", "ListId"), ("description", "ListDescription"))
    pairs = ((label, fields.get(name, "")) for label, name in names)
    return _facts((label, value) for label, value in pairs if value.strip() not in said)


def _reaction(fields: Fields) -> tuple[Fact, ...]:
    return _facts(("", fields.get(name, "")) for name in _REACTIONS)


def _answers(fields: Fields, names: Sequence[str]) -> tuple[Fact, ...]:
    """Returns the first non-empty of these fields, one fact per value."""
    for name in names:
        given = fields.get(name, "").strip()
        if given:
            pairs = islice(_pairs("", _read(given), 0), MOST_FACTS + 1)
            return _facts(pairs)
    return ()


def _read(given: str) -> Any:
    """Returns parsed JSON, or the text itself."""
    if len(given) > _LONGEST_JSON:
        return given
    try:
        return json.loads(given)
    except (ValueError, RecursionError):
        return given


def _pairs(name: str, value: Any, depth: int) -> Iterator[tuple[str, str]]:
    """Yields the values of nested JSON with their names."""
    if depth > _DEEPEST:
        return
    if isinstance(value, str) and name in _WRAPPERS and value.lstrip().startswith(("{", "[")):
        yield from _pairs("", _read(value), depth + 1)
    elif isinstance(value, dict):
        yield from _of_object(value, depth)
    elif isinstance(value, list):
        yield from _of_list(name, value, depth)
    elif value is not None:
        yield name, _in_words(value)


def _of_object(value: dict[str, Any], depth: int) -> Iterator[tuple[str, str]]:
    if "response_json" in value:  # the other fields are Meta's own terms
        yield from _pairs("response_json", value["response_json"], depth + 1)
        return
    label = next((value[key] for key in _LABELS if isinstance(value.get(key), str)), None)
    if label is not None and "value" in value:  # one answer with its question
        yield from _pairs(label, value["value"], depth + 1)
        return
    for key, inner in value.items():
        if key not in _INTERNAL:
            yield from _pairs(key, inner, depth + 1)


def _of_list(name: str, value: list[Any], depth: int) -> Iterator[tuple[str, str]]:
    if all(isinstance(each, str | int | float) for each in value):
        yield name, ", ".join(_in_words(each) for each in value[:MOST_FACTS])
        return
    for each in value[:MOST_FACTS]:
        yield from _pairs(name, each, depth + 1)


def _in_words(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _facts(pairs: Iterable[tuple[str, str]]) -> tuple[Fact, ...]:
    """Returns bounded facts without empty values."""
    return tuple(_bounded(pairs))


def _bounded(pairs: Iterable[tuple[str, str]]) -> Iterator[Fact]:
    for number, (name, value) in enumerate(pairs):
        if number == MOST_FACTS:
            yield Fact("", "… and more")
            return
        shown = one_line(value, _LONGEST_VALUE)
        if shown:
            yield Fact(one_line(name, _LONGEST_NAME), shown)
