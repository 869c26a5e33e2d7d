"""Settings that admins change, the rules in them, roles, and the audit log."""
