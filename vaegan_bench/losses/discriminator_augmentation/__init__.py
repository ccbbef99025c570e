"""What images go through before the discriminator sees them: one file each."""
