"""The desk as agents and admins know it: signed requests from a workspace on loopback, down to rows."""
