"""Operators along the rows of a tensor: softmax, means, attention."""
