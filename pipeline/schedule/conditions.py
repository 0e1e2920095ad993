"""Conditions of scheduled runs."""

from typing import Literal

OnlyIf = Literal["always", "new-data", "drift"]
"""Condition for a scheduled run: none, changed files, or drift of the newest span."""
