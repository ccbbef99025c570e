"""Gates, which decide which players are updated in a step: one file each."""
