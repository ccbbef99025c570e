"""Weights of terms that follow the gradients of a game: one file each."""
