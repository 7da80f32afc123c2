"""Measurements as files: their schema, their conditions, and which may be compared."""
