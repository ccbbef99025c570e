"""Plugins: found, looked up by name, built from selectors, called during a study. Nothing is trained here."""
