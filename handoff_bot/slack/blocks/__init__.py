"""Draws values of the core as Block Kit: pure functions, no I/O."""
