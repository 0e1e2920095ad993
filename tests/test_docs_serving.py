"""The clients in the guide and in the model card, run against a tiny model and a server that stands in."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from tests.components.serving_models import TABLE, jpeg, save_model
from tests.components.stand_in_server import serve
from tests.conftest import PROJECT
from trainer.export.usage import usage

GUIDE = (PROJECT / "docs" / "guides" / "serve-a-model.md").read_text()


def blocks(text: str, language: str, word: str) -> str:
    """The block of code with a word in it."""
    (block,) = [code for code in re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL) if word in code]
    return block


@pytest.fixture(scope="module")
def version(tmp_path_factory) -> Path:
    return save_model(tmp_path_factory.mktemp("served") / "serving_model" / "1790000000")


@pytest.fixture
def client(tmp_path):
    """Runs a block where `photo.jpg` is; returns what it prints."""
    (tmp_path / "photo.jpg").write_bytes(jpeg(1))

    def run(program: list[str], code: str) -> str:
        environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
        done = subprocess.run(
            [*program, code], cwd=tmp_path, capture_output=True, text=True, check=False, env=environment
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


PYTHON = [sys.executable, "-c"]


@pytest.mark.parametrize("source", ["guide", "card"])
def test_plain_tensorflow(source, version, client, tmp_path):
    text = GUIDE if source == "guide" else usage(TABLE)
    code = blocks(text, "python", "tf.saved_model.load")
    code = code.replace("runs/demo/serving_model/<version>", str(version)).replace("FOLDER", str(version))
    told = client(PYTHON, f"{code}\nprint(mask.shape)")
    assert "(60, 80)" in told
    if source == "guide":
        assert "bright: value 30" in told


@pytest.mark.slow
@pytest.mark.parametrize("source", ["guide", "card"])
def test_rest_and_grpc(source, version, client, tmp_path):
    text = GUIDE if source == "guide" else usage(TABLE)
    with serve(version.parent, tmp_path / "server.log") as (grpc_address, rest_address):
        told = client(["bash", "-ec"], blocks(text, "bash", "curl").replace("localhost:8501", rest_address))
        if source == "card":
            assert "mask_png_bytes" in json.loads(told)["predictions"][0]
        else:
            assert Image.open(tmp_path / "mask.png").size == (80, 60)
            assert len(json.loads(told.split("]")[0] + "]")) == 3
        (tmp_path / "mask.png").unlink(missing_ok=True)
        client(PYTHON, blocks(text, "python", "grpc").replace("localhost:8500", grpc_address))
        assert set(np.unique(Image.open(tmp_path / "mask.png"))) <= {10, 20, 30}


def test_keras_does_not_load_a_saved_model(version):
    with pytest.raises(ValueError, match="File format not supported"):
        keras.models.load_model(version)
