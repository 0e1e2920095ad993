"""Exports a pushed model after the fact."""
