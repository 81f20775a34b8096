"""Pixels as arrays: resampling, colour, metrics, protocols, degradations. NumPy only."""
