"""Fit a model's scale and shift to measured distances, and keep them with the model."""
