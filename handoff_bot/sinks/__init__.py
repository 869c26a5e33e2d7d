"""Other systems that keep our tickets, each behind the port `TicketSink`."""
