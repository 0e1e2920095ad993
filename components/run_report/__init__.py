"""RunReport: the HTML page of a run, its metrics.json, model card and settings."""
