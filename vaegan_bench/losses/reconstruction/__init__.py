"""Likelihoods of pictures or of features: one file each."""
