"""Mask R-CNN, which draws one box per photo."""
