"""What an inference moves between a core's caches and memory."""
