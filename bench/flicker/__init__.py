"""Flicker: what a model's depth changes by from frame to frame of a video, beyond the motion."""
