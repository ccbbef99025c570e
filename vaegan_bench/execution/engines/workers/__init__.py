"""Worker processes of this machine: what they do, and how they are spoken to."""
