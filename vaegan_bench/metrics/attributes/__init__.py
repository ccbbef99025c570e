"""Metrics on attributes: whether images keep them, have those that were asked for, and get them from vectors."""
