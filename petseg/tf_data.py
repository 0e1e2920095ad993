"""What every reader of tf.data shares."""

import tensorflow as tf

PARALLEL = tf.data.AUTOTUNE
"""As many calls at once as there are cores, where tf.data's autotuning is off."""


def without_autotuning(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """The dataset without the thread that tunes it while it is read.

    That thread sleeps for up to a minute at a time, and an iterator that ends waits for it: TensorFlow wakes
    it before it marks it as cancelled (`CancellationManager::StartCancelWithStatus`), so it often sleeps on.
    Every other epoch of 85 s took 145 s. The iterators that a mirrored strategy puts on each device have such
    a thread of their own still, which takes no options.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.with_options(options)
