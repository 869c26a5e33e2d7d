"""Everything that customers read in fixed words: one file for each language."""
