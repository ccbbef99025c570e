"""Penalties on the discriminator: one file each."""
