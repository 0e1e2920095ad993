"""The drawn pairs of `same_pairs` in COCO's kinds of files."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from petseg.coco_rle import counts_of_mask, encode_counts, fill_polygon
from tests.components.same_pairs import (
    CLASSES,
    HEIGHT,
    LABELS,
    SPLITS,
    SUBSETS,
    WIDTH,
    drawn,
    pairs,
    polygons,
    save,
    write_photo,
    write_text,
)


def coco_file(split: str, segmentation: Callable[[int, int, list[float]], Any], folder_: str = "") -> dict:
    images, annotations = [], []
    for number, name, word in pairs():
        if word == split:
            file = {"id": number, "file_name": f"{folder_}{name}.jpg", "height": HEIGHT, "width": WIDTH}
            images.append(file)
            for value, points in polygons(number):
                each = {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": 10 * value,
                    "iscrowd": 0,
                }
                area = float(fill_polygon(points, HEIGHT, WIDTH).sum())
                annotations.append(
                    each
                    | {
                        "segmentation": segmentation(number, value, points),
                        "area": area,
                        "bbox": [0, 0, 1, 1],
                    }
                )
    categories = [{"id": 10 * value, "name": LABELS[value]} for value in (2, 1)]
    return {"images": images, "annotations": annotations[::-1], "categories": categories}


def counts(number: int, value: int, points: list[float]) -> dict[str, Any]:
    return {"size": [HEIGHT, WIDTH], "counts": counts_of_mask(fill_polygon(points, HEIGHT, WIDTH))}


def compressed(number: int, value: int, points: list[float]) -> dict[str, Any]:
    return {"size": [HEIGHT, WIDTH], "counts": encode_counts(counts(number, value, points)["counts"])}


def coco_polygons(number: int, value: int, points: list[float]) -> list[list[float]]:
    return [points]


def coco(segmentation: Callable[[int, int, list[float]], Any]) -> Callable[[Path], dict[str, Any]]:
    """The challenge's layout."""

    def write(root: Path) -> dict[str, Any]:
        for number, name, split in pairs():
            write_photo(root / f"{split}2017/{name}.jpg", number)
        for split in SPLITS:
            write_text(root / f"annotations/instances_{split}2017.json", coco_file(split, segmentation))
            write_text(
                root / f"annotations/captions_{split}2017.json", {"annotations": [{"caption": "a car"}]}
            )
        return {"format": "coco"}

    return write


def roboflow(root: Path) -> dict[str, Any]:
    for number, name, split in pairs():
        write_photo(root / f"{'valid' if split == 'val' else split}/{name}.jpg", number)
    for split in SPLITS:
        folder_ = "valid" if split == "val" else split
        write_text(root / f"{folder_}/_annotations.coco.json", coco_file(split, coco_polygons))
    return {"format": "coco"}


def cvat_coco(root: Path) -> dict[str, Any]:
    """CVAT's "COCO 1.0": a file and a folder of photos for each subset."""
    for number, name, split in pairs():
        write_photo(root / f"images/{SUBSETS[split]}/{name}.jpg", number)
    for split, subset in SUBSETS.items():
        write_text(root / f"annotations/instances_{subset}.json", coco_file(split, coco_polygons))
    return {"format": "coco"}


def cvat_brushed(root: Path) -> dict[str, Any]:
    """The same with every mask brushed."""
    cvat_coco(root)
    for split, subset in SUBSETS.items():
        content = coco_file(split, counts)
        for annotation in content["annotations"]:
            annotation |= {"iscrowd": 1, "attributes": {"occluded": False}}
        write_text(root / f"annotations/instances_{subset}.json", content)
    return {"format": "coco", "crowds": "labels"}


STUFF_IDS = {0: 183, 1: 92, 2: 182}
"""Categories of stuff have these numbers in COCO; 183 is all things."""


def stuff(root: Path) -> dict[str, Any]:
    """COCO's stuff: a mask for each category of a photo, and the same as indexed PNGs beside the JSON."""
    for split in SPLITS:
        content = coco_file(split, compressed)
        content["categories"] = [
            {"supercategory": "s", "id": STUFF_IDS[value], "name": name} for value, name in enumerate(LABELS)
        ]
        content["annotations"] = []
        for number, name, word in pairs():
            if word == split:
                write_photo(root / f"{split}2017/{name}.jpg", number)
                indexed = Image.fromarray(np.array([183, 92, 182], np.uint8)[drawn(number)]).convert("P")
                indexed.putdata(np.array([183, 92, 182])[drawn(number)].ravel().tolist())
                indexed.putpalette([each for index in range(256) for each in (index, 255 - index, 7)])
                save(root / f"annotations/stuff_{split}2017_pixelmaps/{name}.png", indexed)
                for value in range(3):
                    inside = drawn(number) == value
                    content["annotations"].append(
                        {
                            "id": 10**7 + len(content["annotations"]),
                            "image_id": number,
                            "category_id": STUFF_IDS[value],
                            "segmentation": {
                                "counts": encode_counts(counts_of_mask(inside)),
                                "size": [HEIGHT, WIDTH],
                            },
                            "area": float(inside.sum()),
                            "bbox": [0.0, 0.0, 1.0, 1.0],
                            "iscrowd": 0,
                        }
                    )
        write_text(root / f"annotations/stuff_{split}2017.json", content)
    return {"format": "coco"}


def stuff_pixelmaps(root: Path) -> dict[str, Any]:
    """The indexed PNGs of COCO's stuff, read as files."""
    stuff(root)
    return {
        "format": "folder",
        "photos": "{split}2017/*.jpg",
        "masks": "annotations/stuff_{split}2017_pixelmaps/{stem}.png",
        "classes": [entry | {"source": STUFF_IDS[entry["value"]]} for entry in CLASSES],
    }


def panoptic(root: Path) -> dict[str, Any]:
    ids = {0: 3226956, 1: 7, 2: 70000}
    for split in SPLITS:
        content = coco_file(split, coco_polygons)
        content["annotations"] = []
        for number, name, word in pairs():
            if word == split:
                write_photo(root / f"{split}2017/{name}.jpg", number)
                numbers = np.array([ids[value] for value in range(3)])[drawn(number)]
                rgb = np.stack([numbers % 256, numbers // 256 % 256, numbers // 65536], axis=-1)
                save(root / f"annotations/panoptic_{split}2017/{name}.png", rgb.astype(np.uint8))
                segments = [{"id": ids[value], "category_id": 10 * value, "iscrowd": 0} for value in range(3)]
                content["annotations"].append(
                    {"image_id": number, "file_name": f"{name}.png", "segments_info": segments}
                )
        content["categories"].append({"id": 0, "name": "background"})
        write_text(root / f"annotations/panoptic_{split}2017.json", content)
    return {"format": "coco"}
