"""Metrics on codes."""
