"""The customer's side: one file per channel behind one Protocol."""
