"""Brings the model in production into the DAG."""
