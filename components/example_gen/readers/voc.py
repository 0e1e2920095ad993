"""The layout of Pascal VOC, as the challenge and labeling tools such as CVAT write it.

    JPEGImages/<name>.jpg
    SegmentationClass/<name>.png          a palette, or RGB colors
    ImageSets/Segmentation/train.txt, val.txt, test.txt   optional; CVAT writes default.txt
    labelmap.txt                          optional: `car:255,0,0::`, the color of each label

in the data set's folder, or in VOC2012/ or VOCdevkit/VOC2012/ below it. Where `labelmap.txt` has labels that
the class table names, colors stand for these labels. CVAT's "Segmentation mask 1.1" is this layout
(`cvat/apps/dataset_manager/formats/mask.py`, which calls Datumaro's `voc_segmentation`).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from components.example_gen.pairs import BY_NAME, TRAINVAL, Found, PairSource
from components.example_gen.pixels.mask_mapping import UnknownValuesError, map_colors
from components.example_gen.readers.files import Folder, data_folder, read_text
from components.example_gen.readers.folder import pairs_of
from components.example_gen.readers.layout import Layout
from components.example_gen.readers.patterns import split_words, splits_of
from components.example_gen.settings import DataSettings
from components.example_gen.sources import File
from petseg.errors import UserError
from petseg.files.image_file import MASK_FORMATS, decode, open_image
from petseg.files.object_store import as_path

PHOTOS = "JPEGImages"
MASKS = "SegmentationClass"
LISTS = "ImageSets/Segmentation"
LABELS = "labelmap.txt"
ABOVE = ("", "VOCdevkit")


@dataclass(frozen=True)
class LabeledColors:
    """A mask in the colors of a label map; implements RenderedMask.

    Attributes:
        file: The mask.
        values: Value of each color of a label that the class table has.
        labels: Label of each color.
        max_pixels: Limit of pixels.
    """

    file: File
    values: dict[str, int]
    labels: dict[str, str]
    max_pixels: int

    @property
    def path(self) -> str:
        """See RenderedMask."""
        return self.file.path

    def render(self, height: int, width: int) -> np.ndarray:
        """See RenderedMask."""
        image = open_image(self.file.read(8 * self.max_pixels + 2**20), MASK_FORMATS, self.max_pixels)
        decode(image)
        try:
            return map_colors(np.asarray(image.convert("RGB")), self.values)
        except UnknownValuesError as error:
            named = {self.labels.get(color, color): pixels for color, pixels in error.pixels.items()}
            known = sorted(self.labels[color] for color in self.values)
            raise UnknownValuesError(named, known, "label") from None


def watched(data: DataSettings) -> tuple[str, ...]:
    """See Reader."""
    below = _below(as_path(data.path)) if data.path else ""
    return tuple(f"{below}{part}" for part in (PHOTOS, MASKS, LISTS, LABELS))


def read_pairs(data: DataSettings, scratch: str) -> Iterator[Found]:
    """Yields every name of the lists, or every photo and mask where there are no lists; see Reader."""
    folder = data_folder(data)
    root = folder / (_below(folder).rstrip("/") or ".")
    for part, content in ((PHOTOS, "the photos"), (MASKS, "the masks")):
        if not (root / part).is_dir():
            raise UserError(f"data: the folder {root / part} is missing; it must hold {content}")
    usual = {
        "photos": data.photos or f"{PHOTOS}/**",
        "masks": data.masks or f"{MASKS}/{{name}}.*",
    }
    layout = Layout(root, data.model_copy(update=usual))
    labels = _labels(root)
    values = {
        color: data.classes.value_of_label[label]
        for color, label in labels.items()
        if label in data.classes.value_of_label
    }
    for found in pairs_of(layout, layout.find_photos(), _lists(root), root):
        if isinstance(found, PairSource) and isinstance(found.mask, File) and values:
            yield replace(found, mask=LabeledColors(found.mask, values, labels, data.max_pixels))
        else:
            yield found


def _below(folder: Folder) -> str:
    """Path with a slash at its end of the folder that has the masks; empty if it is the data set's own."""
    if (folder / MASKS).is_dir():
        return ""
    for above in ABOVE:
        parent = folder / above if above else folder
        if parent.is_dir():
            for name in sorted(entry.name for entry in parent.iterdir()):
                if (parent / name / MASKS).is_dir():
                    return f"{above}/{name}/" if above else f"{name}/"
    return ""


def _lists(root: Folder) -> dict[str, str]:
    """Split of each list, by its path. `default.txt` and others name the pairs without dividing them."""
    if not (root / LISTS).is_dir():
        return {}
    names = sorted(entry.name for entry in (root / LISTS).iterdir() if entry.name.endswith(".txt"))
    words = [name.removesuffix(".txt") for name in names]
    splits = splits_of(word for word in words if split_words(word))
    if "trainval" in words and not {"train", "training"} & set(splits):
        splits["trainval"] = TRAINVAL
    if not splits:
        splits = dict.fromkeys(words, BY_NAME)
    return {f"{LISTS}/{word}.txt": split for word, split in splits.items()}


def _labels(root: Folder) -> dict[str, str]:
    """Label of each color in the label map, #rrggbb; empty where there is none."""
    if not (root / LABELS).exists():
        return {}
    labels = {}
    for line in read_text(root / LABELS, "label map").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        label, _, rest = line.partition(":")
        try:
            red, green, blue = (int(part) for part in rest.split(":")[0].split(","))
            labels[f"#{red:02x}{green:02x}{blue:02x}"] = label.strip()
        except ValueError:
            raise UserError(
                f"data: {root / LABELS}: a line must be label:red,green,blue::; received {line!r}"
            ) from None
    return labels
