"""Predictions of a pushed model: folders of photos, and a web page."""
