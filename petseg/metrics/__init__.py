"""Metrics from counts, in NumPy."""
