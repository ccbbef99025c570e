"""What discriminator and generator minimise: one file each."""
