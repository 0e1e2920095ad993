"""Metrics of segmentation, in NumPy: one file for each, and `registry`, which knows them all.

A metric is made of counts summed over photos, never of an average over photos. Where nothing was counted it
is NaN.
"""
