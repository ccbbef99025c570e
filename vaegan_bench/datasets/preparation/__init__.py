"""From picture files to one uint8 array on disk, in parallel processes that load no torch."""
