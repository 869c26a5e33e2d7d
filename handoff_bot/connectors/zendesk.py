"""Tickets in Zendesk through its Ticketing API."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypedDict

from handoff_bot.connectors.http import Answer, Peer
from handoff_bot.domain.errors import ConnectorError
from handoff_bot.domain.escalations import TicketStatus
from handoff_bot.domain.text import REASONS, one_line, spelled
from handoff_bot.domain.tickets import TicketRecord
from handoff_bot.ports import Clock

# -- a ticket's subject, status, tags and internal notes, in Zendesk's words

STATUSES: dict[TicketStatus, str] = {
    TicketStatus.OPEN: "open",
    TicketStatus.PENDING: "pending",
    TicketStatus.SOLVED: "solved",
    TicketStatus.CLOSED: "solved",  # "closed" cannot be changed again, but a customer may come back
}

_SUBJECT = 150
_NAME = 100
_LINE = 1000
_STATE = re.compile(r"Handoff #\d+: [^\n]*")
_EMAIL = re.compile(r"[^@\s,;<>\"]{1,64}@[^@\s,;<>\"]{1,255}\.[^@\s,;<>\"]{2,}")
_NOT_IN_TAGS = re.compile(r"[^\w/:.-]+")


def subject(record: TicketRecord) -> str:
    return _literal(one_line(record.subject, _SUBJECT)) or f"Handoff #{record.number}"


def requester(record: TicketRecord) -> str:
    """Returns the contact's name, never empty."""
    return _literal(one_line(record.contact, _NAME)) or "A customer"


def is_email(address: str) -> bool:
    """Returns whether Zendesk accepts this as an email address."""
    return _EMAIL.fullmatch(address) is not None


def tags(record: TicketRecord) -> tuple[str, ...]:
    """Returns the ticket's tags and its origin. Zendesk's tags have no spaces."""
    given = ("handoff", f"handoff_{record.channel}", *record.tags)
    return tuple(dict.fromkeys(filter(None, (_NOT_IN_TAGS.sub("_", tag.lower()) for tag in given))))


def state(record: TicketRecord) -> str:
    """Returns the first line of our notes, which gives the state."""
    line = f"Handoff #{record.number}: {record.status.value}"
    if record.assignee:
        line += (
            f", {'by' if record.is_over else 'with'} {_literal(one_line(record.assignee, _NAME))}"
        )
    if record.outcome:
        line += f" ({record.outcome.replace('_', ' ')})"
    return f"{line}."


def state_in(note: str) -> str:
    """Returns the state in a note, "" if the note is not ours."""
    found = _STATE.match(note)
    return found.group().rstrip() if found else ""


def opening(record: TicketRecord) -> str:
    """Returns the first note: customer, channel, reason, link."""
    who = f"{requester(record)} ({_literal(one_line(record.address, _NAME))})"
    lines = [
        state(record),
        "",
        f"{who} on {spelled(record.channel)}: {REASONS[record.reason]}",
        f"Summary: {_literal(one_line(record.summary, _LINE))}" if record.summary else "",
        f"Conversation: {record.link}" if record.link else "",
    ]
    return "\n".join(lines).rstrip()


def _literal(text: str) -> str:
    """Escapes hostile text, because Zendesk expands placeholders in agents' comments."""
    return re.sub(r"\{(?=[{%])", "{ ", text)


# -- the connector
# Documentation: https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/ and, for
# idempotency keys, https://developer.zendesk.com/api-reference/ticketing/introduction/#idempotency

CONFLICT = 409
FORBIDDEN, GONE, UNPROCESSABLE = 403, 404, 422
CLOSED = "closed"
_FIXABLE = frozenset({401, 403, CONFLICT})
"""Wrong token, missing permission, or a concurrent change."""
_NOT_YET = 5.0
"""Seconds until a ticket that is being created can be found."""
_COMMENTS = 100


class Deletion(StrEnum):
    """Outcome of a deletion, as shown to the operator."""

    DONE = "Zendesk: ticket and customer deleted for good"
    FORBIDDEN_THERE = (
        "Zendesk: deleted; an admin deletes it for good there, or Zendesk after 30 days"
    )
    HAS_OTHERS = "Zendesk: ticket deleted for good; the customer has other tickets there"
    NOT_ALLOWED = "Zendesk: not allowed to delete; an admin deletes ticket and customer there"


class _Ticket(TypedDict, total=False):
    """The used fields of a Zendesk ticket."""

    id: int
    subject: str
    status: str
    priority: str
    tags: list[str]
    assignee_id: int | None
    requester_id: int
    updated_at: str


@dataclass(frozen=True)
class Account:
    """A Zendesk account, e.g. "https://acme.zendesk.com", and our user there."""

    url: str
    email: str
    token: str


class ZendeskConnector:
    """Implements `TicketConnector`: reads before it writes, so that repeating changes nothing."""

    def __init__(self, account: Account, clock: Clock) -> None:
        self._api = f"{account.url.rstrip('/')}/api/v2"
        self._auth = (f"{account.email}/token", account.token)
        self._email = account.email
        self._peer = Peer("Zendesk", clock, _FIXABLE)

    def put(self, record: TicketRecord, external_id: str) -> str:
        """Creates or updates the ticket; a closed one gets a follow-up."""
        found = self._get(external_id) if external_id else self._find(record.key)
        if found is None:
            return self._create(record, record.key)
        if found["status"] != CLOSED:
            return self._update(record, found)
        if record.is_over:
            return str(found["id"])
        return self._follow_up(record, found)

    def forget(self, key: str, number: int, external_id: str) -> str:
        """Deletes the ticket with its follow-ups, and the user that we created for the customer.

        Documentation: https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/ and
        https://developer.zendesk.com/api-reference/ticketing/users/users/
        """
        tickets = self._all_of(key, external_id)
        # Tickets first: Zendesk keeps a user who requests any.
        outcomes = [self._delete("tickets", one["id"]) for one in tickets]
        requesters = {one["requester_id"] for one in tickets if one.get("requester_id")}
        if set(outcomes) <= {Deletion.DONE, Deletion.FORBIDDEN_THERE}:
            outcomes += [self._delete("users", one) for one in requesters if self._is_ours(one)]
        return next((one for one in outcomes if one is not Deletion.DONE), Deletion.DONE)

    def _all_of(self, key: str, external_id: str) -> list[_Ticket]:
        """Returns the ticket, and those that follow it up, whose keys start with its own."""
        found: dict[int, _Ticket] = {}
        if external_id:
            answer = self._call("GET", f"/tickets/{external_id}")
            if answer.status != GONE:
                ticket = self._ticket(answer)
                found[ticket["id"]] = ticket
        waiting = [key]
        while waiting:
            answer_list = self._said(
                self._call("GET", "/tickets", params={"external_id": waiting.pop()})
            )
            tickets: list[_Ticket] = answer_list.get("tickets", [])
            found |= {one["id"]: one for one in tickets}
            waiting += [f"{key}-after-{one['id']}" for one in tickets]
        return list(found.values())

    def _is_ours(self, user_id: int) -> bool:
        answer = self._call("GET", f"/users/{user_id}")
        user = self._said(answer).get("user", {}) if answer.is_success else {}
        is_customer = user.get("role") == "end-user"
        return is_customer and str(user.get("external_id") or "").startswith("handoff:")

    def _delete(self, what: str, number: int) -> Deletion:
        """Deletes a ticket or user, for good if our role allows it."""
        for path, forbidden in (
            (f"/{what}/{number}", Deletion.NOT_ALLOWED),
            (f"/deleted_{what}/{number}", Deletion.FORBIDDEN_THERE),
        ):
            answer = self._call("DELETE", path)
            if answer.status == FORBIDDEN:
                return forbidden
            if answer.status == UNPROCESSABLE:  # the requester of tickets that are not closed
                return Deletion.HAS_OTHERS
            if not answer.is_success and answer.status != GONE:
                raise self._refusal(answer)
        return Deletion.DONE

    def role(self) -> str:
        """Returns our role: "admin", "agent"; also "end-user" if the token is not accepted."""
        answer = self._said(self._call("GET", "/users/me"))
        return str(answer.get("user", {}).get("role", ""))

    # -- reading

    def _get(self, external_id: str) -> _Ticket:
        answer = self._call("GET", f"/tickets/{external_id}")
        if answer.status == 404:
            text = "The ticket was deleted in Zendesk."
            raise ConnectorError(text, permanent=True, code="404")
        return self._ticket(answer)

    def _find(self, key: str) -> _Ticket | None:
        """Returns the ticket with this external id. Zendesk allows duplicates: the first one is used."""
        answer = self._said(self._call("GET", "/tickets", params={"external_id": key}))
        tickets: list[_Ticket] = answer.get("tickets", [])
        return min(tickets, key=lambda ticket: ticket["id"], default=None)

    # -- writing

    def _create(self, record: TicketRecord, key: str, **more: Any) -> str:
        ticket = {
            "external_id": key,
            "subject": subject(record),
            "comment": {"body": opening(record), "public": False},
            "status": STATUSES[record.status],
            "priority": record.priority.value,
            "tags": list(tags(record)),
            **self._requester(record),
            **self._assignee(record, None),
            **more,
        }
        # Zendesk keeps the key for two hours: a creation whose response was lost is not repeated.
        answer = self._call(
            "POST", "/tickets", body={"ticket": ticket}, headers={"Idempotency-Key": key}
        )
        if answer.status == CONFLICT or _error(answer) == "IdempotentRequestError":
            text = "Zendesk is still creating this ticket."
            raise ConnectorError(
                text, permanent=False, code=str(answer.status), retry_after=_NOT_YET
            )
        return str(self._ticket(answer)["id"])

    def _follow_up(self, record: TicketRecord, closed: _Ticket) -> str:
        """Closed tickets cannot be changed; Zendesk's way is a new ticket that follows up."""
        key = f"{record.key}-after-{closed['id']}"
        found = self._find(key)
        if found is None:
            return self._create(record, key, via_followup_source_id=closed["id"])
        return self._update(record, found)

    def _requester(self, record: TicketRecord) -> dict[str, Any]:
        name = requester(record)
        if is_email(record.address):
            return {"requester": {"name": name, "email": record.address}}
        user = {"name": name, "external_id": f"handoff:{record.channel}:{record.address}"}
        body = {"user": user, "skip_verify_email": True}
        answer = self._said(self._call("POST", "/users/create_or_update", body=body))
        return {"requester_id": answer["user"]["id"]}

    def _assignee(self, record: TicketRecord, found: _Ticket | None) -> dict[str, str]:
        """Zendesk does not solve unassigned tickets, so we assign ourselves. The note names the
        agent.
        """
        if not record.is_over or (found and found.get("assignee_id")):
            return {}
        return {"assignee_email": self._email}

    def _update(self, record: TicketRecord, found: _Ticket) -> str:
        changes = dict(self._changes(record, found))
        if changes:
            changes |= self._assignee(record, found)
            # Zendesk refuses with 409 if the ticket has changed since we read it: read again.
            stamp = {"safe_update": True, "updated_stamp": found["updated_at"]}
            path = f"/tickets/{found['id']}"
            self._ticket(self._call("PUT", path, body={"ticket": changes | stamp}))
        return str(found["id"])

    def _changes(self, record: TicketRecord, found: _Ticket) -> Iterator[tuple[str, Any]]:
        """Yields the differences. Tags are only added, so tags set in Zendesk stay."""
        wanted = {
            "subject": subject(record),
            "status": STATUSES[record.status],
            "priority": record.priority.value,
        }
        yield from ((k, v) for k, v in wanted.items() if found.get(k) != v)
        known = found.get("tags", [])
        added = [tag for tag in tags(record) if tag not in known]
        if added:
            yield "tags", [*known, *added]
        if self._last_note(found["id"]) != state(record):
            yield "comment", {"body": state(record), "public": False}

    def _last_note(self, ticket_id: int) -> str:
        """Returns the state in our newest comment, "" if none of the newest comments is ours."""
        params = {"sort_order": "desc", "per_page": _COMMENTS}
        answer = self._said(self._call("GET", f"/tickets/{ticket_id}/comments", params=params))
        bodies = (str(comment.get("body", "")) for comment in answer.get("comments", []))
        return next(filter(None, map(state_in, bodies)), "")

    # -- requests

    def _call(
        self, method: str, path: str, *, body: dict[str, Any] | None = None, **how: Any
    ) -> Answer:
        return self._peer.ask(method, f"{self._api}{path}", auth=self._auth, json=body, **how)

    def _said(self, answer: Answer) -> dict[str, Any]:
        """Returns the JSON object of a success."""
        if not answer.is_success:
            raise self._refusal(answer)
        said = _object(answer)
        if said is None:
            text = "Zendesk sent a response that cannot be read."
            raise ConnectorError(text, permanent=False, code="garbled")
        return said

    def _refusal(self, answer: Answer) -> ConnectorError:
        why = _error(answer)
        if why == "RecordInvalid":
            why = "a required field may be missing in Zendesk"
        return self._peer.refusal(answer, why)

    def _ticket(self, answer: Answer) -> _Ticket:
        ticket: _Ticket = self._said(answer).get("ticket", {})
        if "id" not in ticket:
            text = "Zendesk sent a response that is not a ticket."
            raise ConnectorError(text, permanent=False, code="garbled")
        return ticket


def _object(answer: Answer) -> dict[str, Any] | None:
    try:
        said = json.loads(answer.body)
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) else None


def _error(answer: Answer) -> str:
    """Returns Zendesk's error name; its description may quote the customer."""
    error = (_object(answer) or {}).get("error", "")
    return error if isinstance(error, str) and re.fullmatch(r"\w{1,60}", error) else ""
