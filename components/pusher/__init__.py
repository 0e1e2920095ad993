"""Publishes a blessed model, atomically and never twice."""
