"""Renders values of the core as Block Kit: pure functions without I/O."""
