"""Exact rewrites of a model, one a file."""
