"""Stops a run whose data does not match the schema."""
