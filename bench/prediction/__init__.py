"""Predictions for people and other programs: of pictures, videos and cameras, as files."""
