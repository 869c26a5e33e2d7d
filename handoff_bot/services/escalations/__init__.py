"""An escalation from its opening to its end: queue, offers, waiting policy, SLA, rating."""
