"""ServingCheck with TensorFlow Serving, for which another program stands in, and with its JSON."""

import json
import shutil

import numpy as np
import pytest

from components.serving_check import rest_json
from components.serving_check.executor import check_model
from components.serving_check.model_server import PROGRAM
from components.serving_check.settings import ServingCheckSettings
from tests.components.serving_models import save_model
from tests.components.stand_in_server import write_program

SETTINGS = ServingCheckSettings(requests=5, timeout_seconds=120)


@pytest.mark.slow
@pytest.mark.parametrize("refusal", ["INVALID_ARGUMENT", "INTERNAL"])
def test_asks_a_model_server_that_is_on_path(tmp_path, monkeypatch, refusal):
    """The program stands in for TensorFlow Serving: same arguments, same protocol."""
    program = write_program(tmp_path / "bin", refusal)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    result = check_model(str(save_model(tmp_path / "model")), SETTINGS)
    check, *rest = [check for check in result["checks"] if check["name"].startswith("TensorFlow Serving")]
    assert check["passed"] == (refusal == "INVALID_ARGUMENT"), check["detail"]
    assert [one["passed"] for one in rest] == ([True] if check["passed"] else []), rest
    if refusal == "INTERNAL":
        assert check["detail"] == "empty bytes: INTERNAL"


@pytest.mark.slow
@pytest.mark.skipif(shutil.which(PROGRAM) is None, reason=f"{PROGRAM} is not on this machine")
def test_tensorflow_serving_itself(tmp_path):
    result = check_model(str(save_model(tmp_path / "model")), SETTINGS)
    assert result["passed"], result["reason"]
    assert {"TensorFlow Serving", "TensorFlow Serving, REST"} <= {check["name"] for check in result["checks"]}


def test_json_of_tensorflow_serving():
    """By json_tensor.cc: strings are base64 where the name ends in _bytes, else they must be UTF-8."""
    outputs = {
        "mask_png_bytes": np.array([b"\x89PNG\r\n", b"\xff"], object),
        "name": np.array(["Gr\u00fc\u00dfe".encode(), b"b"], object),
        "class_shares": np.array([[0.2, 0.8], [1, 0]], np.float32),
        "count": np.array([3, 4], np.int64),
    }
    content = rest_json.response_json(outputs)
    assert b'"class_shares":[0.2,0.8]' in content, "a float32 has no more digits than it holds"
    first, second = rest_json.read_response(content)
    assert first["mask_png_bytes"] == b"\x89PNG\r\n"
    assert first["name"] == "Gr\u00fc\u00dfe"
    assert (second["class_shares"], second["count"]) == ([1.0, 0.0], 4)
    only = rest_json.response_json({"mask_png_bytes": outputs["mask_png_bytes"]})
    assert json.loads(only)["predictions"][1] == {"b64": "/w=="}
    with pytest.raises(rest_json.NotRestError, match="only if the name of its output ends in _bytes"):
        rest_json.read_response(rest_json.response_json(outputs | {"mask_png": outputs["mask_png_bytes"]}))
