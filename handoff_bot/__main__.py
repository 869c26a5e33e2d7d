"""Entry point of `python -m handoff_bot COMMAND`."""

from handoff_bot.cli import main

main()
