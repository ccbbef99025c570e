"""Presentation of results: tables, figures, pages. Models are optional: a page runs those whose weights are there."""
