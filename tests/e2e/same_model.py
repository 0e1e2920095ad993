"""Whether two pushed versions are the same model."""

from pathlib import Path

import h5py
import numpy as np


def only_version(folder: Path) -> Path:
    """The one version in a push folder."""
    (version,) = [path for path in folder.iterdir() if path.name.isdigit()]
    return version


def assert_same_model(version: Path, expected: Path, photos: list[Path]) -> None:
    """Asserts that weights are equal to 1e-6, and predicted masks of some photos to the byte."""
    weights, expected_weights = _weights(version), _weights(expected)
    assert len(expected_weights) > 50
    assert weights.keys() == expected_weights.keys()
    for name, values in expected_weights.items():
        np.testing.assert_allclose(weights[name], values, rtol=0, atol=1e-6, err_msg=name)
    images = [path.read_bytes() for path in photos]
    assert len(images) == 20
    assert _masks(version, images) == _masks(expected, images)


def _weights(version: Path) -> dict[str, np.ndarray]:
    found = {}

    def keep(name, node):
        if isinstance(node, h5py.Dataset) and node.dtype.kind == "f":
            found[name] = node[()]

    with h5py.File(version / "assets.extra" / "model.weights.h5") as file:
        file.visititems(keep)
    return found


def _masks(version: Path, photos: list[bytes]) -> list[bytes]:
    import tensorflow as tf

    loaded = tf.saved_model.load(str(version))
    return list(
        loaded.signatures["serving_default"](image_bytes=tf.constant(photos))["mask_png_bytes"].numpy()
    )
