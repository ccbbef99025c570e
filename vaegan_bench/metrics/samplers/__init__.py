"""Densities that are fitted to codes, to draw samples from instead of the prior: one file each."""
