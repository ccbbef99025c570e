"""Adversarial losses, which discriminator and generator minimise: one file each."""
