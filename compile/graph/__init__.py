"""Rewrites of the whole model in Relax, one a file; exact, or with their tolerance stated."""
