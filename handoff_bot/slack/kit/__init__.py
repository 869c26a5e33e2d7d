"""Block Kit: elements, fields, buttons and texts. It knows nothing of the features."""
