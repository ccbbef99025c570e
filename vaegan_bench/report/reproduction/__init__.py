"""The page of a reproduction, from what its comparisons left on disk."""
