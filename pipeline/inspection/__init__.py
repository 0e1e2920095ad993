"""`inspect` and `init`: what a data set holds, and a config that reads it."""
