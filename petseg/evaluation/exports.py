"""The folder of a published version with its exported files, which is not part of the model."""

EXPORTS_FOLDER = "exports"

PICTURES_FOLDER = "pictures"
"""In Exporter's artifact: where an exported file's masks differ most. Not published."""

EXPORTS_FILE = "exports.json"
"""By format: bytes, metrics, verdict and reason."""

ACCEPTED, REFUSED = VERDICTS = ("accepted", "refused")
"""Verdicts in it."""
