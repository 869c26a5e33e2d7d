"""HTTP: the Flask factory, the webhooks and the health page."""
