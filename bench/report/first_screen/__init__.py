"""What a report says first: what was measured, how good it is, and how it looks."""
