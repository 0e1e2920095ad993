"""What an exported file says of itself: what stands in it, and what the caller does around it."""

import json
from importlib.metadata import PackageNotFoundError, version

from trainer.settings import TrainingSettings

LICENSE = "Apache-2.0"


def describe(settings: TrainingSettings, runtime: str) -> dict[str, str]:
    """Texts for a file's metadata.

    Args:
        settings: Settings of the model.
        runtime: Package that runs the file.
    """
    height, width = settings.model.input_size
    classes = [
        {"id": index, "value": entry.value, "name": entry.name, "color": entry.color}
        for index, entry in enumerate(settings.classes.classes)
    ]
    flip = " Average the probabilities with those of the mirrored photo." if settings.model.flip_tta else ""
    return {
        "inputs": f"image: float32 [n, {height}, {width}, 3], RGB from 0 to 255; scaling is in the file",
        "outputs": f"logits: float32 [n, {height}, {width}, {len(classes)}], in the order of `classes`",
        "before": "Decode the photo, turn it upright by its EXIF orientation, "
        f"{_fit(settings)}, with {settings.transform.interpolation} interpolation and antialiasing; round.",
        "after": f"Take the softmax of the logits.{flip} Resize the probabilities bilinearly, without "
        "antialiasing, to the photo's size; the most probable class of a pixel has the `value` in `classes`.",
        "classes": json.dumps(classes, ensure_ascii=False),
        "network": f"{settings.model.architecture} with the encoder {settings.model.encoder}",
        "runtime": runtime,
        "petseg_version": _petseg_version(),
        "license": LICENSE,
    }


def _fit(settings: TrainingSettings) -> str:
    height, width = settings.model.input_size
    size = f"{width} x {height} pixels (width x height)"
    if settings.transform.fit == "pad":
        return f"scale it to fit into {size}, and fill both sides with its reflection"
    if settings.transform.fit == "tile":
        overlap = settings.transform.overlap_in((height, width))
        return (
            f"scale it by {settings.transform.scale:g}, and take windows of {size} that overlap by "
            f"{overlap}; keep the inner part of each prediction"
        )
    return f"resize it to {size}"


def _petseg_version() -> str:
    try:
        return version("petseg")
    except PackageNotFoundError:
        return "unknown: not an installed package"
