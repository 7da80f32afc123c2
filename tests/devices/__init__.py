"""Real devices as they describe themselves, for tests: a profile each, written from documents."""
