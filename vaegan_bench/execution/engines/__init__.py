"""Engines, which distribute tasks to processes and machines; they do not know what a task does."""
