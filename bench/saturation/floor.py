"""The floor: a bare Flask application that checks the signature and posts to Slack at once; it keeps nothing.

Served as ours is. What a message costs beyond this is the price of durability, order and rules.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

from flask import Flask, Response, request
from slack_sdk import WebClient
from twilio.request_validator import RequestValidator

from handoff_bot.serving import Server


class Floor:
    """Only the way from the webhook to the post.

    Args:
        public_url: the address that signatures are made over.
    """

    def __init__(self, auth_token: str, public_url: str, slack_url: str) -> None:
        self._validator = RequestValidator(auth_token)
        self._public_url = public_url
        self._slack = WebClient("xoxb-floor", base_url=slack_url)
        self._pool = ThreadPoolExecutor(8)
        self.web = Flask("floor")
        self.web.post("/webhooks/sms")(self._answer)
        self.web.get("/healthz")(lambda: {"status": "ok", "lanes": {}})

    def _answer(self) -> Response:
        signature = request.headers.get("X-Twilio-Signature", "")
        url = self._public_url + request.path
        if not self._validator.validate(url, request.form.to_dict(), signature):
            return Response(status=403)
        self._pool.submit(self._slack.chat_postMessage, channel="C1", text=request.form["Body"])
        return Response("<Response/>", mimetype="text/xml")

    def start(self) -> None:
        """Nothing to start."""

    def hang_up(self) -> None:
        """Nobody waits here."""

    def stop(self) -> None:
        """End its threads."""
        self._pool.shutdown()


if __name__ == "__main__":
    port, *others = sys.argv[1:]
    Server(lambda: Floor(*others), host="127.0.0.1", port=int(port), processes=1, threads=32).run()
