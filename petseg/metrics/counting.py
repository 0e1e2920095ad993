"""Units and bins of what `evaluate` counts; needs no TensorFlow."""

BOUNDARY_SHARE = 0.02
"""Width of the boundary bands of boundary IoU, as a share of the picture's diagonal."""

CONFIDENCE_BINS = 15
"""Bins of equal width in which the calibration error compares confidence and accuracy."""

CONFIDENCE_UNITS = 2**20
"""Fixed point: what a confidence of 1 counts, so that sums over photos are exact."""
