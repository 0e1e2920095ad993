"""What the signatures should predict, from the Keras model and NumPy alone."""

import numpy as np


def softmax(logits):
    exponents = np.exp(logits - logits.max(-1, keepdims=True))
    return exponents / exponents.sum(-1, keepdims=True)


def expected_probabilities(model, photos, flip_tta):
    """What the signatures should predict at model resolution, from the Keras model and NumPy alone."""
    photos = np.asarray(photos, np.float32)
    probabilities = softmax(np.array(model(photos)))
    if flip_tta:
        probabilities = (probabilities + softmax(np.array(model(photos[:, :, ::-1])))[:, :, ::-1]) / 2
    return probabilities


def resize_bilinearly(array, height, width):
    """[h, w, c] to [height, width, c], pixel centres at halves, edges repeated."""
    for axis, size in enumerate((height, width)):
        places = (np.arange(size) + 0.5) * array.shape[axis] / size - 0.5
        array = np.apply_along_axis(
            lambda line, places=places: np.interp(places, np.arange(len(line)), line), axis, array
        )
    return array


def resize_nearest(array, size):
    rows, columns = (np.floor((np.arange(size) + 0.5) * extent / size).astype(int) for extent in array.shape)
    return array[rows][:, columns]
