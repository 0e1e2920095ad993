import csv

import numpy as np
from PIL import Image

from tests.components.tiny_pairs import png_of_stated_size
from tests.conftest import petseg


def test_photos_get_masks_overlays_and_shares_and_a_broken_one_is_named(first_run, tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    sources = sorted((first_run.data / "images").glob("*.jpg"))[:2]
    upright = Image.open(sources[0])
    upright.save(photos / "upright.png")
    turned = Image.Exif()
    turned[0x0112] = 6
    upright.rotate(90, expand=True).save(photos / "turned.jpg", exif=turned, quality=95)
    (photos / "broken.jpg").write_bytes(sources[1].read_bytes()[:200])
    (photos / "bomb.png").write_bytes(png_of_stated_size(60_000, 60_000))
    grey = np.array(upright.convert("L"), np.uint16) * 257
    Image.fromarray(grey).save(photos / "sixteen_bits.png")

    done = petseg(
        "predict",
        "--model",
        first_run.output / "serving_model",
        "--images",
        photos,
        "--output",
        tmp_path / "out",
    )
    assert done.status == 1
    bomb, broken = done.stderr.splitlines()
    assert "bomb.png: 60000 x 60000 pixels are more than" in bomb
    assert "broken.jpg: " in broken
    rows = list(csv.DictReader((tmp_path / "out" / "shares.csv").open()))
    assert [row["file"].rsplit("/", 1)[-1] for row in rows] == [
        "sixteen_bits.png",
        "turned.jpg",
        "upright.png",
    ]
    for row in rows:
        assert abs(sum(float(row[name]) for name in ("pet", "background", "border")) - 1) < 1e-3
    scaled = np.array(Image.open(tmp_path / "out" / "overlays" / "sixteen_bits.jpg"))
    assert scaled.std() > 10, "16 bits are scaled, not clipped to white"
    for name in ("sixteen_bits", "turned", "upright"):
        mask = Image.open(tmp_path / "out" / "masks" / f"{name}.png")
        assert mask.mode == "P"
        assert mask.size == upright.size
        assert set(np.unique(np.array(mask))) <= {1, 2, 3}
        assert Image.open(tmp_path / "out" / "overlays" / f"{name}.jpg").size == upright.size


def test_what_cannot_be_predicted_is_one_line(first_run, tmp_path):
    (tmp_path / "photo.jpg").write_bytes(b"")
    pushed = first_run.output / "serving_model"
    for model, images, word in (
        (tmp_path, tmp_path, "no pushed model"),
        (pushed, tmp_path / "no", "no such"),
    ):
        done = petseg("predict", "--model", model, "--images", images, "--output", tmp_path / "out")
        assert done.status == 2
        assert word in done.stderr
        assert done.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()
