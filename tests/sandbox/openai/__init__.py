"""OpenAI's stand-in, driven by the unchanged official client and by our own adapters."""
