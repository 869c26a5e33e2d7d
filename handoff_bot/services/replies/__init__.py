"""Agents' replies: from threads and modals, edits, canned replies, message templates."""
