"""Brings the schema of the raw examples into the pipeline."""
