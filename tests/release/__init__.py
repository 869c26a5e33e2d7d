"""What operators install: the wheel in an empty environment, and the files in deploy/."""
