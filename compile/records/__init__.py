"""Choices of schedules that were measured to be the fastest, a file a target."""
