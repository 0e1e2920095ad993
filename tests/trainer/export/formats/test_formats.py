"""A network is converted to each format, and computes the same there."""

import json
import sys

import numpy as np
import onnx
import pytest
from ai_edge_litert import schema_py_generated as schema

from petseg.errors import UserError
from tests.trainer.export.networks import SIZE, trained
from tests.trainer.pictures import THREE_CLASSES, smooth_photo
from trainer.export.description import describe
from trainer.export.formats import REGISTRY, load_format
from trainer.export.formats.export_format import Network
from trainer.models import REGISTRY as ARCHITECTURES
from trainer.settings import TrainingSettings

PHOTOS = np.stack([smooth_photo(np.random.default_rng(seed), SIZE, SIZE) for seed in range(8)]).astype(
    np.uint8
)
TOLERANCE = {"onnx": 1e-4, "litert_float16": 0.05, "litert_int8": 2.0}
"""Of logits whose standard deviation is 3."""

AGREEMENT = {"onnx": 0.9999, "litert_float16": 0.99, "litert_int8": 0.9}
UNPOOLING = AGREEMENT | {"litert_float16": 0.97, "litert_int8": 0.6}
"""SegNet's, with random weights: which of four numbers is the largest changes with their rounding."""

WITHOUT = {"mask_rcnn": "Bitcast|BitwiseAnd"}
"""Architectures that no format takes, with the operations that stop them."""


def small(architecture):
    encoder = {"fcn8s": {"encoder": "mobilenet_v2"}}.get(
        architecture, {"encoder": "plain", "encoder_width": 8}
    )
    return TrainingSettings(
        classes={"classes": THREE_CLASSES},
        model={"architecture": architecture, "image_size": SIZE, **encoder},
    )


@pytest.fixture(scope="module")
def settings():
    return small("unet")


@pytest.fixture(scope="module")
def model(settings):
    return trained(settings)


def exported(name, model, settings, folder):
    export_format = load_format(name)
    file = folder / export_format.file_name
    network = Network(model, PHOTOS, describe(settings, export_format.runtime))
    return file, export_format.convert(network, file)


@pytest.mark.parametrize("name", REGISTRY)
def test_a_file_computes_what_the_network_computes(name, model, settings, tmp_path):
    file, _ = exported(name, model, settings, tmp_path)
    photos = PHOTOS.astype(np.float32)
    expected, logits = model(photos).numpy(), load_format(name).open(file)(photos)
    assert logits.dtype == np.float32
    np.testing.assert_allclose(logits, expected, atol=TOLERANCE[name])
    assert (logits.argmax(-1) == expected.argmax(-1)).mean() > AGREEMENT[name]


def test_quantized_files_are_smaller(model, settings, tmp_path):
    sizes = {name: exported(name, model, settings, tmp_path)[0].stat().st_size for name in REGISTRY}
    assert sizes["litert_float16"] < 0.6 * sizes["onnx"]
    assert sizes["litert_int8"] < 0.35 * sizes["onnx"]


def test_an_onnx_file_describes_itself(model, settings, tmp_path):
    file, _ = exported("onnx", model, settings, tmp_path)
    content = onnx.load(file)
    properties = {entry.key: entry.value for entry in content.metadata_props}
    assert properties == describe(settings, "onnxruntime")
    assert [entry["name"] for entry in json.loads(properties["classes"])] == list(settings.classes.names)
    assert [value.name for value in (*content.graph.input, *content.graph.output)] == ["image", "logits"]


def test_a_litert_file_describes_itself(model, settings, tmp_path):
    file, _ = exported("litert_float16", model, settings, tmp_path)
    content = schema.ModelT.InitFromPackedBuf(file.read_bytes(), 0)
    texts = {entry.name.decode(): bytes(content.buffers[entry.buffer].data) for entry in content.metadata}
    for name, text in describe(settings, "ai-edge-litert").items():
        assert texts[name].decode() == text


def test_what_stays_in_float_is_named(tmp_path):
    # Its decoder resizes in float32, as `logits` have the dtype of the loss.
    settings = small("unet")
    _, operations = exported("litert_int8", trained(settings), settings, tmp_path)
    assert all(name.isupper() and name not in ("QUANTIZE", "DEQUANTIZE") for name in operations)
    assert "CONV_2D" not in operations


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "tf2onnx", None)
    monkeypatch.delitem(sys.modules, REGISTRY["onnx"], raising=False)
    with pytest.raises(
        UserError, match="the format onnx needs the package tf2onnx: install the extra `export`"
    ):
        load_format("onnx")


@pytest.mark.slow
@pytest.mark.parametrize("name", REGISTRY)
@pytest.mark.parametrize("architecture", sorted(set(ARCHITECTURES) - set(WITHOUT)))
def test_every_architecture(architecture, name, tmp_path):
    settings = small(architecture)
    model = trained(settings)
    photos = PHOTOS.astype(np.float32)
    expected = model(photos).numpy()
    file, _ = exported(name, model, settings, tmp_path)
    logits = load_format(name).open(file)(photos)
    least = (UNPOOLING if architecture == "segnet" else AGREEMENT)[name]
    assert (logits.argmax(-1) == expected.argmax(-1)).mean() > least


@pytest.mark.slow
@pytest.mark.parametrize("name", REGISTRY)
@pytest.mark.parametrize("architecture", WITHOUT)
def test_the_operation_that_stops_a_conversion_is_named(architecture, name, tmp_path):
    settings = small(architecture)
    with pytest.raises(Exception, match=WITHOUT[architecture]):
        exported(name, trained(settings), settings, tmp_path)
