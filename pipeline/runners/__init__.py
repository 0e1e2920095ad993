"""Runners of the DAG. Each chooses only paths, Beam arguments and node resources."""
