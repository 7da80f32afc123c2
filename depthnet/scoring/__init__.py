"""Metrics, protocols and alignment: from a prediction to its scores."""
