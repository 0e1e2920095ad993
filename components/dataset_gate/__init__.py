"""Stops a run whose data are not what the schema expects."""
