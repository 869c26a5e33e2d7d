"""E-mail to the team, behind the port `Mailer`."""
