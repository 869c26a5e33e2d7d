"""Email to the team, behind the port `Mailer`."""
