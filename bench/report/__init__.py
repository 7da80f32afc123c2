"""Records as a report for people (Markdown) and programs (JSON)."""
