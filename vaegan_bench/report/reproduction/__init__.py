"""What a paper published and claims, and the page of its reproduction, from what its comparisons left on disk."""
