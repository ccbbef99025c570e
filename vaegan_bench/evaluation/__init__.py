"""Measure trained models: outputs and features are computed once, and each metric gives rows."""
