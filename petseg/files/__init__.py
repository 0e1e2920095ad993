"""Local folders, object stores and image files."""
