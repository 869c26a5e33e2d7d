"""Connectors to other ticket systems, behind the port `TicketConnector`."""
