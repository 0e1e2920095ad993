"""Draws photos of cracked concrete, asphalt and plaster, with structures of a few pixels."""
