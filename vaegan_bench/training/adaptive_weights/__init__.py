"""Adaptive weights, which are computed from the gradients of a game: one file each."""
