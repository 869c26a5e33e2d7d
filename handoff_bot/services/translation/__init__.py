"""Translations between customer and agent."""
