"""A board that is reached over ssh."""
