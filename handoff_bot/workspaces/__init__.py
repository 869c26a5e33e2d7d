"""Several workspaces in one process: each has a folder, a database and a core of its own (ADR 18)."""
