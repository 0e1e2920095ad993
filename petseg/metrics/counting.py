"""What `evaluate` counts: names of its outputs, units and bins. Needs no TensorFlow."""

CONFUSION = "counts"
"""int64 [classes, classes]: pixels by label (rows) and prediction (columns)."""

BOUNDARY = "boundary"
"""int64 [classes, 2]: pixels in both boundary bands of a class, that of the labels and that of the
prediction, and pixels in at least one of them."""

CALIBRATION = "calibration"
"""int64 [CONFIDENCE_BINS, 3]: by confidence, pixels, correct pixels, and the sum of their confidences in
1 / CONFIDENCE_UNITS."""

BOUNDARY_SHARE = 0.02
"""Width of the boundary bands, as a share of the image's diagonal."""

CONFIDENCE_BINS = 15
"""Bins of equal width in which the calibration error compares confidence and accuracy."""

CONFIDENCE_UNITS = 2**20
"""Fixed point: what a confidence of 1 counts, so that sums over photos are exact."""
