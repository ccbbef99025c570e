"""Ways to carry runs to processes and machines; engines know tasks, and nothing of what is done in them."""
