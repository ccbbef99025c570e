"""Likelihoods of images or of features: one file each."""
