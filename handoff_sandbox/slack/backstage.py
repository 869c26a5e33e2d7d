"""The parts of the stand-in that calls and people work with, in one hand."""

from __future__ import annotations

from dataclasses import dataclass, field

from handoff_sandbox.slack.deliveries import Deliveries
from handoff_sandbox.slack.files import Files
from handoff_sandbox.slack.herald import Herald
from handoff_sandbox.slack.links import Courier
from handoff_sandbox.slack.refusals import Refusals
from handoff_sandbox.slack.scopes import Scopes
from handoff_sandbox.slack.screens import Screens
from handoff_sandbox.slack.triggers import ResponseUrls, Triggers
from handoff_sandbox.slack.views import Views
from handoff_sandbox.slack.workspace import Workspace


@dataclass
class Backstage:
    """Everything behind the scene; `workspace.changed` guards what it holds."""

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
