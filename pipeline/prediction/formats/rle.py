"""Run lengths: `rle.jsonl`, a line for each photo.

    {"photo": "a.jpg", "height": 300, "width": 400, "classes": {"pet": "<counts>", ...}}

The counts are COCO's compressed run lengths, column by column; pycocotools reads `{"size": [height, width],
"counts": counts}`.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from petseg.class_table import ClassTable
from petseg.coco_rle import counts_of_mask, encode_counts
from pipeline.prediction.formats.mask_writer import JsonLines, masks_of_classes
from pipeline.prediction.photos import PhotoFile


class RunLengths(JsonLines):
    """Writes `rle.jsonl`."""

    def encode(self, photo: PhotoFile, values: NDArray[np.uint8]) -> dict[str, Any]:
        """See MaskWriter."""
        height, width = values.shape
        counts = {
            entry.name: encode_counts(counts_of_mask(mask))
            for entry, mask in masks_of_classes(values, self.classes)
        }
        return {"photo": photo.path, "height": height, "width": width, "classes": counts}


def writer(output: Path, classes: ClassTable) -> RunLengths:
    """See `pipeline.prediction.formats`."""
    return RunLengths(output / "rle.jsonl", classes)
