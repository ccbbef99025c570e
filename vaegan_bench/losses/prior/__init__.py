"""Divergences from the prior: one file each."""
