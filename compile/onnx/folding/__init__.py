"""Compute and write out what is known of a model before it runs."""
