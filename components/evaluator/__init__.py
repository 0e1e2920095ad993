"""Evaluates a model on the raw examples, beside the one in production."""
