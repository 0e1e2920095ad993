"""What is looked up about a Beam engine before a pipeline runs on it: one module for each kind of check."""
