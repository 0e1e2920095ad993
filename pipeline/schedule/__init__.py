"""Runs by the clock: on this machine, on Kubeflow and on Vertex."""
