"""Keeps what is known of pairs on disk, so that memory does not grow with the data set."""
