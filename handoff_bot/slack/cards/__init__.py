"""What is shown in channels and threads: the card, posts, the board."""
