"""Miniatures of the layouts that people have, drawn: a disc and a square on a striped ground."""

import json
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

PAIRS = 20
HEIGHT, WIDTH = 60, 80
RGB = np.array([(0, 0, 0), (128, 64, 128), (244, 35, 232)], np.uint8)
"""Color of each class in RGB masks."""


@dataclass(frozen=True)
class Drawn:
    """What is right for a layout.

    Attributes:
        format: The value of `data.format`.
        pairs: Number of pairs.
        classes: Number of classes, with the ground.
        names: Names of the classes, where the data has them.
        splits: Number of pairs of each split, where folders or lists say so.
    """

    format: str = "folder"
    pairs: int = PAIRS
    classes: int = 3
    names: tuple[str, ...] = ()
    splits: dict[str, int] | None = None


def draw(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A photo, uint8 [HEIGHT, WIDTH, 3], and its mask, uint8 [HEIGHT, WIDTH]: 1 a disc, 2 a square."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    top, left = random.integers(2, HEIGHT - 22), random.integers(2, WIDTH // 2 - 20)
    mask[top : top + 20, left : left + 18] = 2
    row, column = random.integers(14, HEIGHT - 14), random.integers(WIDTH // 2 + 12, WIDTH - 14)
    mask[(rows - row) ** 2 + (columns - column) ** 2 < 144] = 1
    colors = random.integers(0, 256, (3, 3))
    photo = colors[mask] + 25 * ((columns + rows * (seed % 3)) // 6 % 2)[..., None]
    return photo.clip(0, 255).astype(np.uint8), mask


def save(file: Path, pixels: np.ndarray, **options: object) -> None:
    """Saves an image, in the format of its ending, into a folder that is made."""
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(file, **options)


def _write(folder: Path, photo: Callable[[int], str], mask: Callable[[int], str], pairs: int = PAIRS) -> None:
    for seed in range(pairs):
        pixels, values = draw(seed)
        save(folder / photo(seed), pixels)
        save(folder / mask(seed), values)


def _part(seed: int) -> str:
    """12 train, 4 val, 4 test."""
    return "train" if seed < 12 else "val" if seed < 16 else "test"


PARTS = {"train": 12, "eval": 4, "test": 4}


def flat(folder: Path) -> Drawn:
    _write(folder, lambda seed: f"images/{seed:03}.jpg", lambda seed: f"masks/{seed:03}.png")
    return Drawn()


def suffixes(folder: Path) -> Drawn:
    _write(folder, lambda seed: f"images/img{seed:03}.png", lambda seed: f"masks/img{seed:03}_mask.png")
    return Drawn()


def prefixes(folder: Path) -> Drawn:
    _write(folder, lambda seed: f"photos/photo-{seed}.jpg", lambda seed: f"photos/label-{seed}.png")
    return Drawn()


def side_by_side(folder: Path) -> Drawn:
    _write(folder, lambda seed: f"street {seed}.jpg", lambda seed: f"street {seed}.png")
    return Drawn()


def side_by_side_suffixes(folder: Path) -> Drawn:
    _write(folder, lambda seed: f"{seed}.png", lambda seed: f"{seed}_seg.png")
    return Drawn()


def folder_each(folder: Path) -> Drawn:
    _write(folder, lambda seed: f"case{seed:02}/image.png", lambda seed: f"case{seed:02}/mask.png")
    return Drawn()


def masks_inside(folder: Path) -> Drawn:
    _write(folder, lambda seed: f"polyp{seed}.jpg", lambda seed: f"masks/polyp{seed}.png")
    return Drawn()


def carvana(folder: Path) -> Drawn:
    for seed in range(PAIRS):
        pixels, values = draw(seed)
        name = f"fff9b3a5373f_{seed:02}"
        save(folder / f"train/{name}.jpg", pixels)
        save(folder / f"train_masks/{name}_mask.gif", np.where(values > 0, 255, 0).astype(np.uint8))
    return Drawn(classes=2)


def subfolders(folder: Path) -> Drawn:
    _write(folder, lambda s: f"images/{_part(s)}/{s:03}.jpg", lambda s: f"masks/{_part(s)}/{s:03}.png")
    return Drawn(splits=PARTS)


def parts_first(folder: Path) -> Drawn:
    _write(folder, lambda s: f"{_part(s)}/images/{s:03}.jpg", lambda s: f"{_part(s)}/labels/{s:03}.png")
    return Drawn(splits=PARTS)


def camvid(folder: Path) -> Drawn:
    _write(folder, lambda s: f"{_part(s)}/0016E5_{s:05}.png", lambda s: f"{_part(s)}annot/0016E5_{s:05}.png")
    rows = ["name,r,g,b", "Sky,0,0,0", "Car,128,64,128", "Road,244,35,232"]
    (folder / "class_dict.csv").write_text("\n".join(rows))
    return Drawn(splits=PARTS)


def ade20k(folder: Path) -> Drawn:
    def part(seed: int) -> str:
        return "training" if seed < 15 else "validation"

    _write(
        folder,
        lambda seed: f"images/{part(seed)}/ADE_{part(seed)[:5]}_{seed:08}.jpg",
        lambda seed: f"annotations/{part(seed)}/ADE_{part(seed)[:5]}_{seed:08}.png",
    )
    rows = [
        "Idx\tRatio\tTrain\tVal\tStuff\tName",
        "1\t0.1\t1\t1\t0\twall",
        "2\t0.1\t1\t1\t0\tbuilding, edifice",
    ]
    (folder / "objectInfo150.txt").write_text("\n".join(rows))
    return Drawn()


def cityscapes(folder: Path) -> Drawn:
    for seed in range(PAIRS):
        pixels, values = draw(seed)
        part, city = _part(seed), ("aachen", "bremen", "ulm")[seed % 3]
        name = f"{city}_{seed:06}_000019"
        save(folder / f"leftImg8bit/{part}/{city}/{name}_leftImg8bit.png", pixels)
        numbers = np.array([7, 26, 11], np.uint8)[values]
        start = folder / f"gtFine/{part}/{city}/{name}_gtFine"
        save(start.with_name(f"{start.name}_labelIds.png"), numbers)
        save(start.with_name(f"{start.name}_color.png"), RGB[values])
        save(start.with_name(f"{start.name}_instanceIds.png"), numbers.astype(np.int32) * 1000)
        start.with_name(f"{start.name}_polygons.json").write_text('{"imgHeight": 60, "objects": []}')
    return Drawn(splits=PARTS)


def binary_255(folder: Path) -> Drawn:
    for seed in range(PAIRS):
        pixels, values = draw(seed)
        save(folder / f"images/{seed}.jpg", pixels)
        save(folder / f"masks/{seed}.png", np.where(values > 0, 255, 0).astype(np.uint8))
    return Drawn(classes=2)


def jpeg_masks(folder: Path) -> Drawn:
    for seed in range(PAIRS):
        pixels, values = draw(seed)
        save(folder / f"images/{seed}.jpg", pixels)
        save(folder / f"masks/{seed}.jpg", np.where(values > 0, 255, 0).astype(np.uint8))
    return Drawn(classes=2)


def rgb_masks(folder: Path) -> Drawn:
    for seed in range(PAIRS):
        pixels, values = draw(seed)
        save(folder / f"images/{seed}.jpg", pixels)
        save(folder / f"masks/{seed}.png", RGB[values])
    (folder / "label_colors.txt").write_text("0 0 0\tground\n128 64 128\tdisc\n244 35 232\tsquare box\n")
    return Drawn(names=("ground", "disc", "square box"))


def tiff_photos(folder: Path) -> Drawn:
    for seed in range(PAIRS):
        pixels, values = draw(seed)
        save(folder / f"images/{seed}.tif", pixels)
        save(folder / f"masks/{seed}.tif", values)
    return Drawn()


def apart_accents(folder: Path) -> Drawn:
    def name(seed: int, form: str) -> str:
        return unicodedata.normalize(form, f"café {seed}")

    _write(folder, lambda s: f"images/{name(s, 'NFD')}.jpg", lambda s: f"masks/{name(s, 'NFC')}.png")
    return Drawn()


def voc(folder: Path) -> Drawn:
    names = []
    for seed in range(PAIRS):
        pixels, values = draw(seed)
        names.append(f"2007_{seed:06}")
        save(folder / f"VOC2012/JPEGImages/{names[-1]}.jpg", pixels)
        mask = Image.fromarray(values).convert("P")
        mask.putpalette(RGB.tobytes())
        file = folder / f"VOC2012/SegmentationClass/{names[-1]}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        mask.save(file)
    lists = folder / "VOC2012/ImageSets/Segmentation"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("\n".join(names[:14]))
    (lists / "val.txt").write_text("\n".join(names[14:]))
    (folder / "VOC2012/labelmap.txt").write_text(
        "# label:color_rgb:parts:actions\nbackground:0,0,0::\ndisc:128,64,128::\nsquare:244,35,232::\n"
    )
    return Drawn("voc", names=("background", "disc", "square"))


def polygons(values: np.ndarray) -> list[tuple[str, list[list[int]]]]:
    """The square of a mask as a polygon, and the disc as its bounding box."""
    found = []
    for value, name in ((1, "disc"), (2, "square")):
        rows, columns = np.nonzero(values == value)
        if len(rows):
            (top, bottom), (left, right) = (rows.min(), rows.max() + 1), (columns.min(), columns.max() + 1)
            corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
            found.append((name, [[int(x), int(y)] for x, y in corners]))
    return found


def coco(folder: Path) -> Drawn:
    images, annotations = [], []
    for seed in range(PAIRS):
        pixels, values = draw(seed)
        file = f"{seed:012}.jpg"
        save(folder / "images" / file, pixels)
        images.append({"id": seed, "file_name": file, "height": HEIGHT, "width": WIDTH})
        for name, corners in polygons(values):
            outline = [number for corner in corners for number in corner]
            annotations.append(
                {"id": len(annotations) + 1, "image_id": seed, "category_id": {"disc": 3, "square": 7}[name],
                 "segmentation": [outline], "iscrowd": 0, "area": 1, "bbox": [0, 0, 1, 1]}
            )  # fmt: skip
    (folder / "annotations").mkdir()
    categories = [{"id": 3, "name": "disc"}, {"id": 7, "name": "square"}]
    content = {"images": images, "annotations": annotations, "categories": categories}
    (folder / "annotations/instances.json").write_text(json.dumps(content))
    return Drawn("coco", names=("disc", "square"))


def labelme(folder: Path) -> Drawn:
    for seed in range(PAIRS):
        pixels, values = draw(seed)
        save(folder / f"{seed:03}.jpg", pixels)
        shapes = [
            {"label": name, "points": corners, "shape_type": "polygon", "group_id": None, "flags": {}}
            for name, corners in polygons(values)
        ]
        content = {"version": "5.2.1", "flags": {}, "shapes": shapes, "imagePath": f"{seed:03}.jpg",
                   "imageData": None, "imageHeight": HEIGHT, "imageWidth": WIDTH}  # fmt: skip
        (folder / f"{seed:03}.json").write_text(json.dumps(content))
    return Drawn("labelme", names=("disc", "square"))


def yolo(folder: Path) -> Drawn:
    for seed in range(PAIRS):
        pixels, values = draw(seed)
        save(folder / f"images/{_part(seed)}/{seed:03}.jpg", pixels)
        lines = []
        for name, corners in polygons(values):
            numbers = (f"{x / WIDTH:.6f} {y / HEIGHT:.6f}" for x, y in corners)
            lines.append(f"{['disc', 'square'].index(name)} {' '.join(numbers)}")
        file = folder / f"labels/{_part(seed)}/{seed:03}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("\n".join(lines))
    (folder / "data.yaml").write_text(
        "path: .\ntrain: images/train\nval: images/val\nnames:\n  0: disc\n  1: square\n"
    )
    return Drawn("yolo", names=("disc", "square"))


LAYOUTS: dict[str, Callable[[Path], Drawn]] = {
    function.__name__: function
    for function in (
        flat, suffixes, prefixes, side_by_side, side_by_side_suffixes, folder_each, masks_inside, carvana,
        subfolders, parts_first, camvid, ade20k, cityscapes, binary_255, jpeg_masks, rgb_masks, tiff_photos,
        apart_accents, voc, coco, labelme, yolo,
    )
}  # fmt: skip
