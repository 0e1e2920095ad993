"""What Beam and TFX ship to remote workers; pyproject.toml says what that is."""

from setuptools import setup

setup()
