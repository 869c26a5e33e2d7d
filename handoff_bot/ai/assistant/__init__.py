"""Assistants: local quotes from the knowledge base, and a language model."""
