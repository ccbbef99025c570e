"""Results on disk: a folder per study, with a folder per run. Files are written whole or not at all, and checked."""
