"""The state of the Zendesk stand-in: users, tickets and comments, under Zendesk's rules."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

Json = dict[str, Any]

STATUSES = frozenset({"new", "open", "pending", "hold", "solved", "closed"})
PRIORITIES = frozenset({"urgent", "high", "normal", "low"})
IDEMPOTENT = timedelta(hours=2)
LONGEST_KEY = 255
_WRITABLE = ("subject", "status", "priority", "tags", "external_id", "requester_id")


class Refusal(Exception):
    """An error in Zendesk's format.

    Attributes:
        body: `{"error": …, "description": …}` and, for an invalid record, `details`.
    """

    def __init__(self, status: int, error: str, description: str, **more: Any) -> None:
        super().__init__(description)
        self.status = status
        self.body = {"error": error, "description": description, **more}


def invalid(name: str, description: str) -> Refusal:
    """Returns the error for an invalid field ("base" for the whole record)."""
    details = {name: [{"description": description, "error": None}]}
    return Refusal(422, "RecordInvalid", "Record validation errors", details=details)


@dataclass
class Ticket:
    """One ticket with its comments, oldest first."""

    id: int
    fields: Json
    comments: list[Json] = field(default_factory=list)


@dataclass(frozen=True)
class _Created:
    """The ticket of an idempotency key."""

    body: str
    ticket: Ticket
    at: datetime


class ZendeskDesk:
    """One account. The caller serialises the calls."""

    def __init__(self, agent_email: str, now: Callable[[], datetime]) -> None:
        self._now = now
        self._last_id = 100
        self.users: dict[int, Json] = {}
        self._agent = self.user({"name": "Handoff", "email": agent_email, "role": "agent"})
        self.tickets: dict[int, Ticket] = {}
        self._created: dict[str, _Created] = {}
        self.deleted_tickets: dict[int, Ticket] = {}
        self.deleted_users: dict[int, Json] = {}

    @property
    def agent(self) -> Json:
        """Returns the agent of the token."""
        return self._agent

    def _new_id(self) -> int:
        self._last_id += 1
        return self._last_id

    def _stamp(self) -> str:
        return self._now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    # -- users

    def user(self, given: Json, *, rename: bool = True) -> Json:
        """Returns the user with this email address or external id; creates it if needed."""
        known = self._known(given)
        if known is None:
            if not str(given.get("name", "")).strip():
                raise invalid("name", "Name:  is too short (minimum is 1 character)")
            known = {"id": self._new_id(), "role": "end-user", "email": None, "external_id": None}
            self.users[known["id"]] = known
        elif not rename:
            return known
        known |= {k: v for k, v in given.items() if k in ("name", "email", "external_id", "role")}
        return known

    def _known(self, given: Json) -> Json | None:
        for user in self.users.values():
            for name in ("email", "external_id"):
                value = str(given.get(name) or "").casefold()
                if value and value == str(user[name] or "").casefold():
                    return user
        return None

    # -- tickets

    def create(self, given: Json, key: str) -> tuple[Ticket, str]:
        """Creates a ticket, or returns the one that this key created;

        and the result of looking the key up.
        """
        body = json.dumps(given, sort_keys=True)
        if len(key) > LONGEST_KEY:
            raise Refusal(400, "IdempotentRequestError", "The idempotency key is too long")
        known = self._created.get(key) if key else None
        if known and self._now() - known.at < IDEMPOTENT:
            if known.body != body:
                words = "Request parameters don't match the given idempotency key"
                raise Refusal(400, "IdempotentRequestError", words)
            return known.ticket, "hit"
        ticket = self._new_ticket(given)
        if key:
            self._created[key] = _Created(body, ticket, self._now())
        return ticket, "miss" if key else ""

    def _new_ticket(self, given: Json) -> Ticket:
        comment = given.get("comment") or {}
        if not str(comment.get("body", "")).strip():
            raise invalid("base", "Description: cannot be blank")
        follows = given.get("via_followup_source_id")
        if follows and self._ticket(int(follows)).fields["status"] != "closed":
            follows = None  # documented: it only affects closed tickets
        ticket = Ticket(
            self._new_id(),
            {
                "external_id": None,
                "subject": None,
                "status": "new",
                "priority": None,
                "tags": [],
                "assignee_id": None,
                "requester_id": self._agent["id"],
                "via": {"channel": "api", "source": {"rel": "follow_up" if follows else None}},
                "followup_of": follows,
                "created_at": self._stamp(),
            },
        )
        self._write(ticket, given)
        self.tickets[ticket.id] = ticket
        return ticket

    def update(self, ticket_id: int, given: Json) -> Ticket:
        """Updates a ticket, unless it is closed or has changed since the caller read it."""
        ticket = self._ticket(ticket_id)
        if ticket.fields["status"] == "closed":
            raise invalid("status", "Status: closed prevents ticket update")
        if given.get("safe_update") and given.get("updated_stamp") != ticket.fields["updated_at"]:
            raise Refusal(409, "UpdateConflict", "Safe Update prevented the update")
        self._write(ticket, given)
        return ticket

    def _write(self, ticket: Ticket, given: Json) -> None:
        fields = ticket.fields | {name: given[name] for name in _WRITABLE if name in given}
        if given.get("requester"):
            fields["requester_id"] = self.user(given["requester"], rename=False)["id"]
        if given.get("assignee_email"):
            fields["assignee_id"] = self._assignee(given["assignee_email"])
        _check(fields)
        fields["tags"] = [tag for words in fields["tags"] for tag in str(words).lower().split()]
        ticket.fields = fields | {"updated_at": self._stamp()}
        if given.get("comment"):
            self._comment(ticket, given["comment"])

    def _assignee(self, email: str) -> int:
        for user in self.users.values():
            if user["email"] == email and user["role"] in ("agent", "admin"):
                return int(user["id"])
        raise invalid("assignee", "Assignee: is invalid")

    def _comment(self, ticket: Ticket, given: Json) -> None:
        ticket.comments.append(
            {
                "id": self._new_id(),
                "type": "Comment",
                "author_id": self._agent["id"],
                "body": str(given["body"]),
                "plain_body": str(given["body"]),
                "public": bool(given.get("public", True)),
                "created_at": self._stamp(),
            }
        )

    def get(self, ticket_id: int) -> Ticket:
        """Returns a ticket. Raises Refusal if it does not exist."""
        return self._ticket(ticket_id)

    def delete(self, ticket_id: int) -> None:
        """Deletes a ticket; it can be restored for 30 days."""
        self.deleted_tickets[ticket_id] = self._ticket(ticket_id)
        del self.tickets[ticket_id]

    def delete_for_good(self, ticket_id: int) -> None:
        """Deletes a deleted ticket for good."""
        if self.deleted_tickets.pop(ticket_id, None) is None:
            raise Refusal(404, "RecordNotFound", "Not found")
        self._created = {k: one for k, one in self._created.items() if one.ticket.id != ticket_id}

    def get_user(self, user_id: int) -> Json:
        """Returns a user. Raises Refusal if it does not exist."""
        if user_id not in self.users:
            raise Refusal(404, "RecordNotFound", "Not found")
        return self.users[user_id]

    def delete_user(self, user_id: int) -> Json:
        """Deletes a user who requests no ticket that is not closed."""
        user = self.get_user(user_id)
        asked = [one for one in self.tickets.values() if one.fields["requester_id"] == user_id]
        if any(one.fields["status"] != "closed" for one in asked):
            raise invalid("base", "User is requester on tickets that are not closed.")
        self.deleted_users[user_id] = self.users.pop(user_id)
        return user

    def delete_user_for_good(self, user_id: int) -> Json:
        """Deletes a deleted user for good; nothing but the id stays."""
        if self.deleted_users.pop(user_id, None) is None:
            raise Refusal(404, "RecordNotFound", "Not found")
        return {"id": user_id, "name": "Permanently Deleted User", "active": False}

    def _ticket(self, ticket_id: int) -> Ticket:
        found = self.tickets.get(ticket_id)
        if found is None:
            raise Refusal(404, "RecordNotFound", "Not found")
        return found


def _check(fields: Json) -> None:
    """Validates a ticket."""
    if fields["status"] not in STATUSES:
        raise invalid("status", f"Status: {fields['status']} is not a valid status")
    if fields["priority"] not in PRIORITIES | {None}:
        raise invalid("priority", f"Priority: {fields['priority']} is not a valid priority")
    if fields["status"] == "solved" and not fields["assignee_id"]:
        raise invalid("base", "Assignee: is required when solving a ticket")
