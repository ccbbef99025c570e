"""Plugins: found, looked up by name, built from selectors, told of the life of a study. Nothing is trained here."""
