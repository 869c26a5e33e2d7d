"""What Slack tells us, one module for each kind: each listener parses, makes one call, answers."""
