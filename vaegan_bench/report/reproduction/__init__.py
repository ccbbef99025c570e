"""What a reproduction came to: its page, from what its comparisons left on disk."""
