"""Engines that run the DAG: each chooses paths, Beam arguments and node resources, nothing else."""
