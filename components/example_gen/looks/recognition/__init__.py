"""Recognizes formats and layouts by the names of files, a label map, and the annotations' labels."""
