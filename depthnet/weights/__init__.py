"""Weights as files: formats, ImageNet encoders, what ships trained."""
