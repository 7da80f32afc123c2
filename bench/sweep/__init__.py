"""Many models in many settings: each step of each cell done once, anywhere, and kept."""
