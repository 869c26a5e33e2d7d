"""A large installation: a database of tens of millions of rows, and what each statement costs there."""
