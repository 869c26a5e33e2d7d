"""One feature a file: what it renders, and what it answers to."""
