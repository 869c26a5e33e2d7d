"""The JSON that goes between Slack and the app."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]
"""An object as it goes over the wire; its keys are Slack's."""
