"""Detectors: the local model and a language model."""
