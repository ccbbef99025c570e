"""Results on disk: a folder per study, in it a folder per run. Whole or not at all, and nothing is read unchecked."""
