"""Serves the bot, and asks a provider again after a second whether it still stores what is forgotten."""

from handoff_bot.cli import main
from handoff_bot.services.privacy import outside

if __name__ == "__main__":
    outside.LATER = outside.SOON
    main(["serve"])
