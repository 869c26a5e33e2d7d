"""Detectors: the local model and the one that asks a language model."""
