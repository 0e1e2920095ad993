"""ML Metadata of local runs: a file, or a database server."""
