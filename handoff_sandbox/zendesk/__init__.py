"""Zendesk's stand-in: the part of its Ticketing API for tickets."""

from handoff_sandbox.zendesk.stand_in import ZendeskStandIn

__all__ = ["ZendeskStandIn"]
