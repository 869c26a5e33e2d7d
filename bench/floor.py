"""The floor: a bare Flask application that reads the form and answers, served as ours is."""

from __future__ import annotations

import sys

from flask import Flask, Response, request

from handoff_bot.serving import Server


class Floor:
    """Nothing but the answer."""

    def __init__(self) -> None:
        self.web = Flask("floor")
        self.web.post("/webhooks/sms")(self._answer)
        self.web.get("/healthz")(lambda: "ok")

    def _answer(self) -> Response:
        return Response(f"<Response/><!-- {len(request.form)} -->", mimetype="text/xml")

    def start(self) -> None:
        """Nothing to start."""

    def hang_up(self) -> None:
        """Nobody waits here."""

    def stop(self) -> None:
        """Nothing to stop."""


if __name__ == "__main__":
    Server(Floor, host="127.0.0.1", port=int(sys.argv[1]), processes=1, threads=32).run()
