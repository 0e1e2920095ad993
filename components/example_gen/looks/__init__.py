"""Looks at a folder without TensorFlow: which data set is there, and what its files hold.

`recognize` names the format and finds the pairs by names only. `open_pairs` opens photos and masks.
`inspect`, `init`, `data.format: auto` and the errors of `run` use the same looks.
"""
