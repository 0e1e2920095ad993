"""The evaluated examples whose labels may be wrong; `petseg suspects` shows more."""

import numpy as np

from components.run_report.inputs import RunInputs
from petseg.evaluation.label_quality import label_quality
from petseg.evaluation.photo_counts import read_counts
from petseg.metrics.counting import CALIBRATION

MOST = 10


def suspicious_labels(inputs: RunInputs) -> list[tuple[str, ...]]:
    """Name and label quality of the examples that the model disagrees with most confidently, worst first.

    Args:
        inputs: The run.

    Returns:
        At most MOST rows; none where the model is of an older version, which does not count confidences.
    """
    calibration = read_counts(inputs.photos, CALIBRATION, "native", len(inputs.classes))
    if calibration is None:
        return []
    quality = label_quality(calibration)
    names = inputs.photos.column("name").to_pylist()
    order = [row for row in np.argsort(quality, kind="stable")[:MOST].tolist() if not np.isnan(quality[row])]
    return [(names[row], f"label quality {quality[row]:.4f}") for row in order]
