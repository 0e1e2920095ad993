"""Removes artifacts that nothing needs any more."""
