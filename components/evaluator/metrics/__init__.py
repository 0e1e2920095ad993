"""TFMA metrics of segmentation, all from the counts that the `evaluate` signature returns."""
