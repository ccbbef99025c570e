"""Outputs once, features once, one row per metric."""
