"""One step of learning: its gradient, what it changes, and how a device is kept busy with it."""
