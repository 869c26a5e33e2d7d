"""Zendesk's stand-in on loopback: the part of its Ticketing API for tickets.

Modelled on https://developer.zendesk.com/api-reference/ticketing/ ; not compared with a real account.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime

from flask import Flask, Response, jsonify, request

from handoff_sandbox.server import Answer, Faults, Journal, Server, json_answer
from handoff_sandbox.zendesk.desk import Json, Refusal, Ticket, ZendeskDesk

_MOST = 100
"""Records per page."""


class ZendeskStandIn:
    """Zendesk, for clients of its API at `url`.

    Args:
        journal, faults: shared with other stand-ins; its own if None.
        email, token: the only accepted ones.
        now: the time of the account.
        port: 0 for any free one.

    Attributes:
        desk: its state, to read and to change.
    """

    def __init__(
        self,
        journal: Journal | None = None,
        faults: Faults | None = None,
        *,
        email: str = "bot@example.com",
        token: str = "zendesk-token",  # noqa: S107 - of a stand-in
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        port: int = 0,
    ) -> None:
        self.journal, self.faults = journal or Journal(), faults or Faults()
        self.email, self.token = email, token
        self.desk = ZendeskDesk(email, now)
        self._one_at_a_time = threading.Lock()
        self._server = Server(
            self._app(), "zendesk", self.journal, self.faults, port=port, fault_answer=_fault
        )
        self.url = self._server.url

    def start(self) -> ZendeskStandIn:
        """Starts the server; returns itself."""
        self._server.start()
        return self

    def stop(self) -> None:
        """Closes all connections and threads."""
        self._server.stop()

    def __enter__(self) -> ZendeskStandIn:
        return self.start()

    def __exit__(self, *exception: object) -> None:
        self.stop()

    # -- queries

    def tickets(self) -> list[Json]:
        """Returns all tickets, oldest first."""
        return [_shown(ticket) for ticket in self.desk.tickets.values()]

    def notes(self, ticket_id: int) -> list[str]:
        """Returns the internal notes of a ticket, oldest first."""
        return [comment["body"] for comment in self.desk.tickets[ticket_id].comments]

    # -- the API

    def _app(self) -> Flask:
        app = Flask(__name__, static_folder=None)
        app.before_request(self._authorise)
        app.register_error_handler(Refusal, lambda refusal: (refusal.body, refusal.status))
        one = "/api/v2/tickets/<int:ticket_id>"
        for method, path, view in (
            ("GET", "/api/v2/users/me", self._me),
            ("POST", "/api/v2/users/create_or_update", self._user),
            ("GET", "/api/v2/tickets", self._list),
            ("POST", "/api/v2/tickets", self._create),
            ("GET", one, self._get),
            ("PUT", one, self._update),
            ("GET", f"{one}/comments", self._comments),
            ("DELETE", one, self._delete),
            ("DELETE", "/api/v2/deleted_tickets/<int:ticket_id>", self._delete_for_good),
            ("GET", "/api/v2/users/<int:user_id>", self._get_user),
            ("DELETE", "/api/v2/users/<int:user_id>", self._delete_user),
            ("DELETE", "/api/v2/deleted_users/<int:user_id>", self._delete_user_for_good),
        ):
            app.add_url_rule(path, view.__name__, self._alone(view), methods=[method])
        return app

    def _alone(self, view: Callable[..., Response]) -> Callable[..., Response]:
        def answer(**parts: int) -> Response:
            with self._one_at_a_time:
                return view(**parts)

        return answer

    def _is_believed(self) -> bool:
        given = request.authorization
        return bool(
            given and (given.username, given.password) == (f"{self.email}/token", self.token)
        )

    def _authorise(self) -> tuple[Json, int] | None:
        if self._is_believed() or request.path.endswith("/users/me"):
            return None
        return {"error": "Couldn't authenticate you"}, 401

    def _me(self) -> Response:
        """Documented: a caller without credentials is an anonymous end user."""
        nobody = {
            "id": None,
            "name": "Anonymous user",
            "role": "end-user",
            "email": "invalid@example.com",
        }
        return jsonify(user=self.desk.agent if self._is_believed() else nobody)

    def _user(self) -> Response:
        return jsonify(user=self.desk.user(_body("user")))

    def _list(self) -> Response:
        wanted = request.args.get("external_id")
        found = [t for t in self.tickets() if wanted is None or t["external_id"] == wanted]
        page = found[:_MOST]
        return jsonify(tickets=page, count=len(found), next_page=None, previous_page=None)

    def _create(self) -> Response:
        ticket, lookup = self.desk.create(
            _body("ticket"), request.headers.get("Idempotency-Key", "")
        )
        response = jsonify(ticket=_shown(ticket))
        response.status_code = 201
        if lookup:
            response.headers["x-idempotency-lookup"] = lookup
        return response

    def _get(self, ticket_id: int) -> Response:
        return jsonify(ticket=_shown(self.desk.get(ticket_id)))

    def _update(self, ticket_id: int) -> Response:
        return jsonify(ticket=_shown(self.desk.update(ticket_id, _body("ticket"))))

    def _delete(self, ticket_id: int) -> Response:
        self.desk.delete(ticket_id)
        return Response(status=204)

    def _delete_for_good(self, ticket_id: int) -> Response:
        """Documented: the deletion itself is a job of Zendesk's."""
        self.desk.delete_for_good(ticket_id)
        return jsonify(job_status={"id": f"{ticket_id:032x}", "status": "queued"})

    def _get_user(self, user_id: int) -> Response:
        return jsonify(user=self.desk.get_user(user_id))

    def _delete_user(self, user_id: int) -> Response:
        return jsonify(user=self.desk.delete_user(user_id) | {"active": False})

    def _delete_user_for_good(self, user_id: int) -> Response:
        return jsonify(deleted_user=self.desk.delete_user_for_good(user_id))

    def _comments(self, ticket_id: int) -> Response:
        comments = list(self.desk.get(ticket_id).comments)
        if request.args.get("sort_order") == "desc":
            comments.reverse()
        size = min(int(request.args.get("per_page", _MOST)), _MOST)
        return jsonify(comments=comments[:size], count=len(comments), next_page=None)


def _body(name: str) -> Json:
    given = request.get_json(silent=True)
    if not isinstance(given, dict) or not isinstance(given.get(name), dict):
        raise Refusal(400, "InvalidFormat", f"Missing {name}")
    inner: Json = given[name]
    return inner


def _shown(ticket: Ticket) -> Json:
    is_public = any(comment["public"] for comment in ticket.comments)
    description = ticket.comments[0]["body"]
    fields = {name: value for name, value in ticket.fields.items() if name != "followup_of"}
    return {"id": ticket.id, "description": description, "is_public": is_public, **fields}


def _fault(status: int) -> Answer:
    """Zendesk's error body; the one of a 429 is documented."""
    if status == 429:
        words = "Number of allowed API requests per minute exceeded"
        return json_answer(status, {"error": "APIRateLimitExceeded", "description": words})
    return json_answer(status, {"error": "Internal", "description": "Internal server error"})
