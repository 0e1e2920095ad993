"""Reads photos and masks and writes checked raw examples."""
