"""Cycles and milliseconds, estimated from what was counted."""
