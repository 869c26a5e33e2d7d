"""What databases, operators, Slack and other programs rely on: each contract as one file of plain data."""
