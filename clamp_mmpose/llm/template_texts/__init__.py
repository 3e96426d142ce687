"""What the rule-based writer writes, one file for each kind of text."""
