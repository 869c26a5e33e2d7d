"""Use cases: one transaction per call, no vendor, no network inside a transaction."""
