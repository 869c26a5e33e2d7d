"""Five journeys through the running bot: how many files, functions and calls each of them takes."""
