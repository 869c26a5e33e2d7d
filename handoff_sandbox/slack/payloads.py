"""The JSON objects between Slack and the app."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]
"""An object in Slack's format."""
