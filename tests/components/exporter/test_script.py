"""The script beside an exported file predicts what the SavedModel does, without TensorFlow."""

import numpy as np
import pytest
import tensorflow as tf
import tifffile
from PIL import Image

from tests.components.exporter.without_tensorflow import by_script, make_site, without_tensorflow
from tests.exif_files import turned_jpeg
from tests.trainer.export.networks import trained
from tests.trainer.pictures import THREE_CLASSES, smooth_photo
from trainer.export.formats import REGISTRY, load_format
from trainer.export.formats.export_format import Network
from trainer.export.formats.script import write_script
from trainer.export.signatures import Predictor
from trainer.settings import TrainingSettings

SIZE = (64, 96)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    return make_site(tmp_path_factory.mktemp("site"))


def settings_with(**settings):
    model = {"architecture": "unet", "encoder": "plain", "encoder_width": 8, "image_size": SIZE}
    model["flip_tta"] = settings.pop("flip_tta", False)
    return TrainingSettings(classes={"classes": THREE_CLASSES}, transform=settings, model=model)


def exported(name, settings, folder):
    """A trained network as a file with its script, and the SavedModel's predictions."""
    model = trained(settings)
    export_format = load_format(name)
    photos = np.stack([smooth_photo(np.random.default_rng(seed), *SIZE) for seed in range(8)])
    export_format.convert(Network(model, photos.astype(np.uint8)), folder / export_format.file_name)
    write_script(export_format, settings, folder)
    return export_format, Predictor(model, settings)


def by_model(predictor, content):
    (png,) = predictor.serving_default(tf.constant([content]))["mask_png_bytes"]
    return tf.io.decode_png(png).numpy()[..., 0]


def picture(seed, height, width):
    """A photo with noise, which a resizing of another kind would show."""
    rng = np.random.default_rng(seed)
    noise = rng.integers(-20, 20, (height, width, 3))
    pixels = np.clip(np.asarray(smooth_photo(rng, height, width)).astype(int) + noise, 0, 255)
    return Image.fromarray(pixels.astype(np.uint8))


def saved(folder, seed, height, width, mode="RGB", file_format="JPEG", orientation=1):
    photo = picture(seed, height, width).convert(mode)
    file = folder / f"photo{seed}.{file_format.lower()}"
    if orientation > 1:
        file.write_bytes(turned_jpeg(photo, orientation))
    else:
        photo.save(file, file_format)
    return file


def agreement(export_format, predictor, file, site):
    expected = by_model(predictor, file.read_bytes())
    mask = by_script(file.parent / export_format.file_name, export_format.script, file, site)
    assert mask.shape == expected.shape
    return (mask == expected).mean()


def test_there_is_no_tensorflow(site):
    with pytest.raises(AssertionError, match="No module named 'tensorflow'"):
        without_tensorflow(site, "-c", "import numpy, PIL, onnxruntime; import tensorflow")


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("onnx", {}),
        ("onnx", {"fit": "pad", "flip_tta": True, "interpolation": "area"}),
        ("onnx", {"fit": "tile"}),
        ("onnx", {"fit": "tile", "scale": 0.6, "interpolation": "area"}),
        ("litert_float16", {"fit": "pad"}),
    ],
)
def test_the_script_predicts_what_the_model_does(name, settings, tmp_path, site):
    export_format, predictor = exported(name, settings_with(**settings), tmp_path)
    text = (tmp_path / export_format.script).read_text()
    assert len(text.splitlines()) < 60
    assert "tensorflow" not in text
    files = [
        saved(tmp_path, 1, 150, 200),
        saved(tmp_path, 2, 151, 97, orientation=6),
        saved(tmp_path, 3, 40, 31, mode="L"),
        saved(tmp_path, 4, 70, 300, mode="RGBA", file_format="PNG"),
        saved(tmp_path, 5, 70, 90, mode="P", file_format="PNG"),
    ]
    shares = [agreement(export_format, predictor, file, site) for file in files]
    # Where a resized pixel lies in the middle of two values, float errors decide.
    assert np.mean(shares) >= (0.999 if name == "onnx" else 0.99)
    assert min(shares) >= (0.998 if name == "onnx" else 0.98)


@pytest.mark.parametrize("interpolation", ["bilinear", "area"])
@pytest.mark.parametrize(
    "fit", [{"fit": "stretch"}, {"fit": "pad"}, {"fit": "tile"}, {"fit": "tile", "scale": 0.6}]
)
@pytest.mark.parametrize("name", REGISTRY)
def test_every_script_is_shorter_than_60_lines(name, fit, interpolation, tmp_path):
    export_format = load_format(name)
    write_script(export_format, settings_with(flip_tta=True, interpolation=interpolation, **fit), tmp_path)
    text = (tmp_path / export_format.script).read_text()
    assert len(text.splitlines()) < 60
    compile(text, export_format.script, "exec")


def test_the_mask_shows_the_colors_of_the_classes(tmp_path, site):
    export_format, _ = exported("onnx", settings_with(), tmp_path)
    file = saved(tmp_path, 1, 50, 60)
    values = by_script(tmp_path / export_format.file_name, export_format.script, file, site)
    shown = np.array(Image.open(tmp_path / "mask.png").convert("RGB"))
    for entry in THREE_CLASSES:
        color = tuple(bytes.fromhex(entry["color"][1:]))
        assert (shown[values == entry["value"]] == color).all()


@pytest.mark.slow
@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic", "lanczos3", "area"])
def test_fifty_photos(interpolation, tmp_path, site):
    export_format, predictor = exported("onnx", settings_with(interpolation=interpolation), tmp_path)
    rng = np.random.default_rng(0)
    shares = [
        agreement(export_format, predictor, saved(tmp_path, seed, *rng.integers(30, 400, 2)), site)
        for seed in range(50)
    ]
    assert np.mean(shares) >= 0.999


def test_photos_with_more_than_8_bits_are_refused(tmp_path, site):
    export_format, _ = exported("onnx", settings_with(), tmp_path)
    model = tmp_path / export_format.file_name
    for channels in (1, 3):
        pixels = np.full((20, 30, channels), 4000, np.uint16)
        (tmp_path / f"{channels}.png").write_bytes(tf.io.encode_png(pixels).numpy())
        photometric = "rgb" if channels == 3 else "minisblack"
        tifffile.imwrite(tmp_path / f"{channels}.tif", pixels.squeeze(), photometric=photometric)
        for file in (tmp_path / f"{channels}.png", tmp_path / f"{channels}.tif"):
            with pytest.raises(AssertionError, match="more than 8 bits: scale the photo to 8"):
                by_script(model, export_format.script, file, site)
