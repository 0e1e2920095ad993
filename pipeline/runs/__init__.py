"""Runs: progress, folder, history, comparison and lineage."""
