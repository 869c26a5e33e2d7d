"""One feature a file: what it renders (`*_blocks.py`) and what it answers to."""
