"""Model cards: what form a depth model takes an image in, and what its output means."""
