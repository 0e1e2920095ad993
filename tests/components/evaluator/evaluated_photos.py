"""The photos of the Evaluator's tests, and NumPy's counts of them."""

from pathlib import Path

import numpy as np
from tfx.types import artifact_utils, standard_artifacts

from tests.components import tiny_models

PHOTOS = 11
BY_NAME = sorted(range(PHOTOS), key=lambda i: f"photo_{i}")
SLICES = ("label/kind", "slice/size")


def slices_of(index: int) -> dict[str, str]:
    """Photo 0 has no kind: data of one's own may lack a feature here and there."""
    size = {"slice/size": "small" if index % 2 else "large"}
    return size if index == 0 else {"label/kind": f"kind_{index % 3}", **size}


def write_examples(folder: Path, masks: list[np.ndarray]) -> standard_artifacts.Examples:
    artifact = standard_artifacts.Examples()
    artifact.uri = str(folder)
    artifact.split_names = artifact_utils.encode_split_names(["test", "eval"])
    records = [tiny_models.raw_example(f"photo_{i}", mask, slices_of(i)) for i, mask in enumerate(masks)]
    tiny_models.write_split(folder / "Split-test", records, shards=2)
    tiny_models.write_split(folder / "Split-eval", [])
    return artifact


def reference(masks, **model) -> np.ndarray:
    """NumPy's counts [photos, 2, C, C]."""
    size = tiny_models.MODEL_SIZE
    return np.array(
        [[tiny_models.count(mask[:size, :size], **model), tiny_models.count(mask, **model)] for mask in masks]
    )


def of_model(masks: list[np.ndarray], wrong: float) -> dict[str, np.ndarray]:
    """What a tiny model counts of the photos besides, int64 [photos, 2, ...] by output."""
    model, size = tiny_models.TinyModel(wrong, constant=False), tiny_models.MODEL_SIZE
    ids = [tiny_models.class_ids(mask) for mask in masks]
    counted = [[model.count_ids(labels[:size, :size]), model.count_ids(labels)] for labels in ids]
    return {
        output: np.array([[of_size[output] for of_size in of_photo] for of_photo in counted])
        for output in ("boundary", "calibration")
    }
