"""What decides who moves: one file each."""
