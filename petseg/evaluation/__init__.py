"""What an evaluation is made of and leaves: resolutions, files, and counts of each photo."""
