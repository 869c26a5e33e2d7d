"""Values, enums, the transition table and pure decisions: no I/O, no clock, no vendor."""
