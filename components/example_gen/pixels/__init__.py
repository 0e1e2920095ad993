"""Reads the pixels of a pair: decodes its photo and its mask, and fits the mask to photo and class table."""
