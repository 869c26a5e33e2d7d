"""Tables, constraints, migrations, questions and changes."""
