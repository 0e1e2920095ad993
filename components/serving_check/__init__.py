"""ServingCheck: asks the exported model what a client would ask, before it is pushed."""
