"""The parts of the stand-in that API calls and people's actions share."""

from __future__ import annotations

from dataclasses import dataclass, field

from handoff_sandbox.slack.delivery.deliveries import Deliveries
from handoff_sandbox.slack.delivery.links import Courier
from handoff_sandbox.slack.state.files import Files
from handoff_sandbox.slack.state.herald import Herald
from handoff_sandbox.slack.state.refusals import Refusals
from handoff_sandbox.slack.state.scopes import Scopes
from handoff_sandbox.slack.state.screens import Screens
from handoff_sandbox.slack.state.triggers import ResponseUrls, Triggers
from handoff_sandbox.slack.state.views import Views
from handoff_sandbox.slack.state.workspace import Workspace


@dataclass
class Backstage:
    """All parts; `workspace.changed` guards their state."""

    url: str
    workspace: Workspace
    triggers: Triggers
    response_urls: ResponseUrls
    views: Views
    files: Files
    herald: Herald
    deliveries: Deliveries
    courier: Courier
    tickets: set[str]
    screens: Screens
    scopes: Scopes
    refusals: Refusals = field(default_factory=Refusals)
