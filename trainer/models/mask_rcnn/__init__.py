"""Mask R-CNN for photos with one object each."""
