"""Assistants: answers quoted from the knowledge base, and the one that asks a language model."""
