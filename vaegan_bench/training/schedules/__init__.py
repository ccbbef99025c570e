"""Schedules of learning rates and of the weights of terms: one file each."""
