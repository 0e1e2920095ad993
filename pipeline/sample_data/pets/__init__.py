"""Draws cats and dogs in their surroundings, in the layout of the Oxford-IIIT Pet data set."""
