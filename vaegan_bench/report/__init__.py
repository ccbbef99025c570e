"""Presentation of results: tables, figures, the page of a paper. No model is needed here."""
