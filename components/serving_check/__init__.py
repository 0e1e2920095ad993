"""ServingCheck: checks that the exported model can be served, before it is pushed."""
