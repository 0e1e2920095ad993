"""RunReport: one HTML page a run, its metrics.json, model card and settings."""
