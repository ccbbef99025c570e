"""Metrics on reconstructions: how far they are from the images that were encoded."""
