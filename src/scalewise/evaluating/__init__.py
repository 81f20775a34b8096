"""Evaluation: scores under a stated protocol."""
