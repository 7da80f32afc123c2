"""Products of bytes: what quantised models are made of."""
