"""Exports a model to other runtimes, and evaluates each file before it leaves."""
