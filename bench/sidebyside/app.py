"""The bot for the tool "sidebyside", whose stand-in for Slack knows no people: they are filled in here.

The tool starts `app.py` in the folder it is given. Its agent would be refused, for who presses a button must
be a member of the workspace and of the queue's channel, and the stand-in answers neither question.
"""

from __future__ import annotations

import os
import runpy
import sys
from pathlib import Path
from typing import Any

from slack_sdk import WebClient

ROOT = Path(__file__).resolve().parents[2]
AGENT, TEAM = "U0AGENT01", "T1"
"""Who presses the tool's buttons."""
PERSON = {"id": AGENT, "team_id": TEAM, "name": "dana", "real_name": "Dana", "profile": {}}


def fill_in() -> None:
    """Complete two of the stand-in's answers; everything else goes over the wire as it is."""
    call = WebClient.api_call

    def api_call(self: WebClient, api_method: str, **how: Any) -> Any:
        answer = call(self, api_method, **how)
        if api_method == "users.info":
            answer["user"].update(PERSON)
        elif api_method == "conversations.members":
            answer.data["members"] = [AGENT]  # type: ignore[index]
        return answer

    WebClient.api_call = api_call  # type: ignore[method-assign,assignment]


if __name__ == "__main__":
    os.environ.setdefault("SAMPLE_KNOWLEDGE", "true")  # its customers are invented, as the shop is
    fill_in()
    os.chdir(ROOT)
    sys.path[0] = str(ROOT)
    runpy.run_path("app.py", run_name="__main__")
