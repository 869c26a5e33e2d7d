"""Detectors and assistants behind their ports."""
